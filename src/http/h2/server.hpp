#pragma once
// HTTP/2 on one connection: one coroutine, whatever the number of streams; one write a turn.
#include <boost/asio/awaitable.hpp>
#include <string>

#include "http/channel.hpp"
#include "http/server_context.hpp"

namespace rollcall::http::h2 {

/// Serves until the peer closes, breaks a limit, or the table drains and the streams in hand are answered.
/// `first_bytes` have been read already. Runs on the channel's io_context, which must have one thread; `channel`
/// outlives it. Never throws: what escapes a handler is logged and becomes 500.
boost::asio::awaitable<void> serve(Channel& channel, ServerContext context, std::string first_bytes);

}  // namespace rollcall::http::h2
