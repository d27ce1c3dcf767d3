// Query strings and percent-encoding as clients may send them.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "http/text.hpp"

namespace {

using namespace rollcall;

void require(bool holds) {
  if (!holds) std::abort();
}

void require_clear(const Error& error) {
  require(error.code == ErrorCode::invalid);
  require(!error.message.empty() && http::is_utf8(error.message) && http::is_utf8(error.field));
}

void look_up(std::string_view query) {
  const auto value = http::query_value(query, "a");
  const auto known = http::check_query(query, {"a", "b"});
  if (!value) require_clear(value.error());
  if (!known) require_clear(known.error());
  if (value && *value) require(http::is_utf8(**value));
}

void encode(std::string_view text) {
  const auto encoded = http::percent_encode_segment(text);
  require(http::percent_decode(encoded) == std::string(text));
  if (!http::is_utf8(text)) return;
  const auto value = http::query_value("b=1&&a=" + encoded + "&a=2", "a");
  require(value && *value == std::string(text));
}

void decode(std::string_view text) {
  const auto decoded = http::percent_decode(text);
  std::string kept = "what was here before";
  require(http::percent_decode_into(text, kept) == decoded.has_value());
  if (decoded) require(kept == *decoded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  look_up(text);
  encode(text);
  decode(text);
  return 0;
}
