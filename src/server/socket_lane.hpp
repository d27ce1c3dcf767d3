#pragma once
// What of the socket protocol belongs to one I/O thread.
#include <memory>

#include "api/socket_commands.hpp"
#include "metrics/own_metrics.hpp"
#include "socket/session.hpp"

namespace rollcall {

struct SocketLane {
  SocketLane(boost::asio::io_context& io, const Clock& clock, std::atomic<std::size_t>& open_connections,
             const http::AccessRules& access, const api::SocketParts& parts)
      : commands(api::make_socket_commands(parts)),
        complaints(clock, parts.limits.socket.complaints_per_second),
        connections(io, clock, parts.limits.socket, open_connections),
        context{*commands, access, parts.limits.socket, parts.limits.model, stats, complaints, connections} {}

  std::unique_ptr<socket::Commands> commands;
  socket::Complaints complaints;
  socket::SessionStats stats;
  http::ConnectionTable connections;
  const socket::SessionContext context;  // what each connection of this thread refers to
};

/// The figures of all threads.
void add_socket_metrics(OwnMetrics& metrics, std::span<const std::unique_ptr<SocketLane>> lanes);

}  // namespace rollcall
