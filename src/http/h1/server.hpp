#pragma once
// HTTP/1.1 on one connection: one coroutine, pipelined requests answered in one writev.
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>

#include "base/limits.hpp"
#include "http/guard.hpp"
#include "http/router.hpp"

namespace rollcall::http {

/// What connections count, for /metrics. Written by their own I/O thread.
struct ServerStats {
  std::atomic<std::uint64_t> requests{0}, responses_4xx{0}, responses_5xx{0}, connections{0}, connections_total{0},
      connections_refused{0};
};

/// Constant while connections live.
struct ServerContext {
  const Router& router;
  const GuardRules& guard;
  const HttpLimits& limits;
  ServerStats& stats;
};

namespace h1 {

/// Serves until the peer closes, breaks a limit, or `stopping` is set and the request in hand is answered.
boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket, const ServerContext& context,
                                   const std::atomic<bool>& stopping);

}  // namespace h1
}  // namespace rollcall::http
