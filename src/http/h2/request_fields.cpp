#include "http/h2/request_fields.hpp"

#include <fmt/format.h>

#include <charconv>
#include <string_view>
#include <utility>

#include "http/text.hpp"

namespace rollcall::http::h2 {
namespace {

// What a field counts beside its bytes (RFC 9113, 6.5.2).
constexpr std::size_t kFieldOverhead = 32;

std::string_view view_of(nghttp2_rcbuf* text) noexcept {
  const auto bytes = nghttp2_rcbuf_get_buf(text);
  return {reinterpret_cast<const char*>(bytes.base), bytes.len};
}

void refuse(Inbound& in, unsigned status, std::string message, std::string_view field) {
  if (in.refusal) return;
  const auto code = status == 413 || status == 431 ? ErrorCode::too_large : ErrorCode::invalid;
  in.refusal = Refusal{status, {code, std::move(message), std::string(field)}};
}

void take_path(Inbound& in, std::string_view value) {
  const auto mark = value.find('?');
  in.request.path = value.substr(0, mark);
  if (mark != std::string_view::npos) in.request.query = value.substr(mark + 1);
}

// :authority stands for Host; where both are sent they say the same (RFC 9113, 8.3.1).
void take_host(Inbound& in, std::string_view value) {
  auto& host = in.request.host;
  if (!host.empty() && host != value) return refuse(in, 400, "it differs from :authority", "host");
  host = value;
}

void check_length(Inbound& in, std::string_view value, const HttpLimits& limits) {
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (error == std::errc::result_out_of_range || length > limits.body_bytes) in.refusal = body_refusal(limits);
}

void check_expectation(Inbound& in, std::string_view value) {
  if (!iequals(value, "100-continue")) return refuse(in, 417, "only 100-continue can be expected", "expect");
  in.expects_continue = true;
}

/// Where the field goes whose name is `name`; null if nobody looks at it.
struct Slot {
  std::string_view name;
  std::string_view Request::* view;
  bool once;
};

constexpr Slot kSlots[] = {
    {"accept", &Request::accept, false},
    {"accept-encoding", &Request::accept_encoding, false},
    {"authorization", &Request::authorization, true},
    {"content-type", &Request::content_type, true},
    {"if-none-match", &Request::if_none_match, false},
    {"last-event-id", &Request::last_event_id, false},
    {"origin", &Request::origin, true},
};

// Whether the request has a view of the value now.
bool take_into_slot(Inbound& in, std::string_view name, std::string_view value) {
  for (const auto& slot : kSlots) {
    if (slot.name != name) continue;
    auto& view = in.request.*slot.view;
    if (slot.once && !view.empty()) {
      refuse(in, 400, "this header field may stand only once", name);
      return false;
    }
    view = value;
    return true;
  }
  return false;
}

bool take(Inbound& in, std::string_view name, std::string_view value, const HttpLimits& limits) {
  if (name == ":path") return take_path(in, value), true;
  if (name == ":method") return in.request.method = method_from(value), false;
  if (name == ":authority" || name == "host") return take_host(in, value), true;
  if (name == "content-length") return check_length(in, value, limits), false;
  if (name == "expect") return check_expectation(in, value), false;
  return take_into_slot(in, name, value);
}

}  // namespace

void take_field(Inbound& in, nghttp2_rcbuf* name, nghttp2_rcbuf* value, const HttpLimits& limits) {
  const auto text = view_of(value);
  in.header_bytes += view_of(name).size() + text.size() + kFieldOverhead;
  if (in.header_bytes > limits.header_bytes) {
    return refuse(in, 431, fmt::format("the header is over {} bytes", limits.header_bytes), "header");
  }
  if (take(in, view_of(name), text, limits)) in.texts.emplace_back(value);
}

void check_fields(Inbound& in) {
  const auto& request = in.request;
  const bool asterisk = request.path == "*" && request.method == Method::options;
  if (!request.path.starts_with('/') && !asterisk) refuse(in, 400, "the request's target isn't a path", {});
  if (request.host.empty()) refuse(in, 400, "the request names no host", "host");
}

Refusal body_refusal(const HttpLimits& limits) {
  return {413, {ErrorCode::too_large, fmt::format("the body is over {} bytes", limits.body_bytes), "body"}};
}

}  // namespace rollcall::http::h2
