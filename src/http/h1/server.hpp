#pragma once
// HTTP/1.1 on one connection: one coroutine, pipelined requests answered in one write.
#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "http/channel.hpp"
#include "http/server_context.hpp"

namespace rollcall::http::h1 {

/// Serves until the peer closes, breaks a limit, or the table drains and the requests in hand are answered. Returns the
/// bytes that have been read if they begin like HTTP/2 (RFC 9113, 3.4): nothing has been answered then, and the channel
/// is the caller's. Runs on the channel's io_context, which must have one thread; `channel` outlives it. Never throws:
/// what escapes a handler is logged and becomes 500.
boost::asio::awaitable<std::optional<std::string>> serve(Channel& channel, ServerContext context);

}  // namespace rollcall::http::h1
