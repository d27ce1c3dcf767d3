#include "publish/payload.hpp"

#include <fmt/format.h>

#include "codec/json.hpp"

namespace rollcall {

std::string begin_body(std::string_view event, WallTime at) {
  std::string body = "{\"event\":";
  codec::append_string(body, event);
  fmt::format_to(std::back_inserter(body), ",\"timestamp\":{}",
                 std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
  return body;
}

std::string message_id(std::uint64_t number, std::string_view routing_key) {
  return fmt::format("{}:{}", number, routing_key);
}

}  // namespace rollcall
