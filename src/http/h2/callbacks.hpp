#pragma once
// What nghttp2 calls, and the session that calls it.
#include <nghttp2/nghttp2.h>

#include "http/h2/connection.hpp"

namespace rollcall::http::h2 {

/// Throws std::bad_alloc. To be given to nghttp2_session_del().
[[nodiscard]] nghttp2_session* make_session(Connection& connection, const HttpLimits& limits);

/// The rest of the stream's answer.
[[nodiscard]] nghttp2_data_provider body_of(Stream& stream) noexcept;

}  // namespace rollcall::http::h2
