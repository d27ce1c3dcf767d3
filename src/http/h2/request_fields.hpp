#pragma once
// Header fields of HTTP/2 to the Request that every protocol version has. nghttp2 has checked the syntax, and what
// RFC 9113 (8.2, 8.3) says about pseudo-fields and fields of the connection.
#include "base/limits.hpp"
#include "http/h2/stream.hpp"

namespace rollcall::http::h2 {

/// Sets `in.refusal` where a field can't be accepted.
void take_field(Inbound& in, nghttp2_rcbuf* name, nghttp2_rcbuf* value, const HttpLimits& limits);

/// After the last field.
void check_fields(Inbound& in);

[[nodiscard]] Refusal body_refusal(const HttpLimits& limits);

}  // namespace rollcall::http::h2
