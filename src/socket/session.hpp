#pragma once
// The socket protocol on one connection of Asio's.
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>

#include "base/limits.hpp"
#include "http/access.hpp"
#include "http/connection_table.hpp"
#include "socket/commands.hpp"
#include "socket/complaints.hpp"

namespace rollcall::socket {

/// What connections count, for /metrics. One for each I/O thread, which alone writes it; any thread reads.
struct SessionStats {
  std::atomic<std::uint64_t> commands{0}, refused_commands{0}, connections{0}, connections_total{0},
      connections_refused{0};
};

/// Constant while connections live; all of it belongs to the one I/O thread that they are served on.
struct SessionContext {
  Commands& commands;
  const http::AccessRules& access;
  const SocketLimits& limits;
  const ModelLimits& model;
  SessionStats& stats;
  Complaints& complaints;
  http::ConnectionTable& connections;
};

/// Serves until the peer closes, breaks a limit, or the table drains. Runs on the socket's io_context, which must have
/// one thread. Never throws.
boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket, SessionContext context);

}  // namespace rollcall::socket
