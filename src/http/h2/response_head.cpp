#include "http/h2/response_head.hpp"

#include <charconv>
#include <string_view>

namespace rollcall::http::h2 {
namespace {

bool may_have_body(unsigned status) noexcept { return status != 204 && status != 304 && status >= 200; }

// nghttp2 knows no const; it doesn't write there.
std::uint8_t* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

nghttp2_nv field(std::string_view name, std::string_view value, unsigned copied = 0) noexcept {
  constexpr unsigned kNothingCopied = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
  return {bytes_of(name), bytes_of(value), name.size(), value.size(),
          static_cast<std::uint8_t>(kNothingCopied & ~copied)};
}

template <std::size_t Size>
std::string_view digits(std::size_t number, std::array<char, Size>& room) noexcept {
  const auto* end = std::to_chars(room.data(), room.data() + room.size(), number).ptr;
  return {room.data(), static_cast<std::size_t>(end - room.data())};
}

void add_body_fields(Outbound& out, Fields& fields) {
  const auto& response = out.response;
  const auto bytes = response.stream ? 0 : response.body.size();
  if (bytes != 0 || response.stream) fields.push_back(field("content-type", response.content_type));
  if (!response.stream) fields.push_back(field("content-length", digits(bytes, out.length)));
}

}  // namespace

Fields fields_of(Outbound& out, std::string_view date) {
  const auto& response = out.response;
  Fields fields;
  fields.push_back(field(":status", digits(response.status, out.status)));
  fields.push_back(field("date", date, NGHTTP2_NV_FLAG_NO_COPY_VALUE));
  if (may_have_body(response.status)) add_body_fields(out, fields);
  const auto add = [&fields](std::string_view name, std::string_view value) {
    if (!value.empty()) fields.push_back(field(name, value));
  };
  add("etag", response.etag);
  add("cache-control", response.cache_control);
  add("vary", response.vary);
  add("location", response.location);
  add("allow", response.allow);
  // Copied names become lower case.
  for (const auto& [name, value] : response.headers) {
    fields.push_back(field(name, value, NGHTTP2_NV_FLAG_NO_COPY_NAME));
  }
  if (response.retry_after_s != 0) add("retry-after", digits(response.retry_after_s, out.retry_after));
  return fields;
}

bool sends_body(const Response& response, Method method) noexcept {
  if (method == Method::head || !may_have_body(response.status)) return false;
  return response.stream || response.body.size() != 0;
}

}  // namespace rollcall::http::h2
