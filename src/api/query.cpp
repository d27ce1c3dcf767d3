#include "api/query.hpp"

#include <charconv>
#include <string>

#include "http/message.hpp"

namespace rollcall::api {

Result<std::optional<std::uint64_t>> whole_number(std::string_view query, std::string_view name, std::uint64_t min,
                                                  std::uint64_t max) {
  const auto text = http::query_value(query, name);
  if (!text) return std::unexpected(text.error());
  if (!*text) return std::nullopt;
  std::uint64_t value = 0;
  const auto* const end = (*text)->data() + (*text)->size();
  const auto parsed = std::from_chars((*text)->data(), end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end || value < min || value > max) {
    return fail(ErrorCode::invalid,
                "allowed are whole numbers from " + std::to_string(min) + " to " + std::to_string(max),
                std::string(name));
  }
  return value;
}

}  // namespace rollcall::api
