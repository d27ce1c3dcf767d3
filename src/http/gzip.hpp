#pragma once
// Answers that leave compressed (RFC 1952), where the client asks for it and it pays.
#include <string_view>

#include "http/server_context.hpp"

namespace rollcall::http {

/// RFC 9110, 12.5.3: the client takes gzip, and wouldn't rather have the bytes as they are.
[[nodiscard]] bool takes_gzip(std::string_view accept_encoding) noexcept;

/// Whether compress() is what the client gets. An answer that others might get compressed says in its header that it
/// depends on what is asked for; so does a 304 made of it afterwards.
[[nodiscard]] bool agree_on_gzip(const Request& request, Response& response, const ServerContext& context);

/// Makes of the body a stream that is compressed as it is pulled, a slice at a time: no call takes long, and no second
/// copy is held. One of `stats.compressing` as long as it lives.
void compress(Response& response, ServerStats& stats);

}  // namespace rollcall::http
