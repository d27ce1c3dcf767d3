#pragma once
// HTTP/1.1 on one connection: one coroutine, pipelined requests answered in one write.
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>

#include "base/limits.hpp"
#include "http/connection_table.hpp"
#include "http/guard.hpp"
#include "http/router.hpp"

namespace rollcall::http {

/// What connections count, for /metrics. One for each I/O thread, which alone writes it; any thread reads.
struct ServerStats {
  std::atomic<std::uint64_t> requests{0}, responses_4xx{0}, responses_5xx{0}, connections{0}, connections_total{0},
      connections_refused{0};
};

/// Constant while connections live; all of it belongs to the one I/O thread that they are served on.
struct ServerContext {
  const Router& router;
  const GuardRules& guard;
  const HttpLimits& limits;
  ServerStats& stats;
  ConnectionTable& connections;
};

namespace h1 {

/// Serves until the peer closes, breaks a limit, or the table drains and the requests in hand are answered. Runs on
/// the socket's io_context, which must have one thread. Never throws: what escapes a handler is logged and becomes 500.
boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket, ServerContext context);

}  // namespace h1
}  // namespace rollcall::http
