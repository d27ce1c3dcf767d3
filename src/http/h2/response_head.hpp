#pragma once
// A Response as nghttp2 takes it.
#include "http/h2/stream.hpp"

namespace rollcall::http::h2 {

/// Room for the fields that every answer may have; further ones are beyond it.
using Fields = boost::container::small_vector<nghttp2_nv, 16>;

/// What is said of `out.response`. The fields point into `out` and `date`, of which nghttp2 copies `date`: `out` stays
/// as it is until they are sent.
[[nodiscard]] Fields fields_of(Outbound& out, std::string_view date);

/// Whether bytes of a body follow the fields.
[[nodiscard]] bool sends_body(const Response& response, Method method) noexcept;

}  // namespace rollcall::http::h2
