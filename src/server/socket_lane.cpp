#include "server/socket_lane.hpp"

namespace rollcall {

void add_socket_metrics(OwnMetrics& metrics, std::span<const std::unique_ptr<SocketLane>> lanes) {
  using Stats = socket::SessionStats;
  const auto sum = [lanes](std::atomic<std::uint64_t> Stats::* member) {
    double total = 0;
    for (const auto& lane : lanes) total += static_cast<double>((lane->stats.*member).load(std::memory_order_relaxed));
    return total;
  };
  metrics.counter("socket_commands_total", "Commands of the socket protocol.", sum(&Stats::commands));
  metrics.counter("socket_commands_refused_total", "Those answered with ERROR.", sum(&Stats::refused_commands));
  metrics.gauge("socket_connections", "Connections open now.", sum(&Stats::connections));
  metrics.counter("socket_connections_total", "Connections accepted.", sum(&Stats::connections_total));
  metrics.counter("socket_connections_refused_total", "Connections over the limit.", sum(&Stats::connections_refused));
}

}  // namespace rollcall
