#include "discovery/probe/pairing.hpp"

#include <algorithm>
#include <set>

namespace rollcall::probe {
namespace {

/// Hands out ports, each once.
class Assignment {
 public:
  bool give(std::uint16_t web_port, std::uint16_t dicom_port) {
    if (pairing_.contains(web_port) || !taken_.insert(dicom_port).second) return false;
    pairing_.emplace(web_port, dicom_port);
    return true;
  }
  [[nodiscard]] Pairing result() && { return std::move(pairing_); }

 private:
  Pairing pairing_;
  std::set<std::uint16_t> taken_;
};

bool contains(const PortList& ports, std::uint16_t port) { return std::ranges::binary_search(ports, port); }

bool is_sole_claim(std::span<const PairingServer> servers, const PairingServer& of) {
  return std::ranges::none_of(servers, [&](const PairingServer& other) {
    return other.online && other.web_port != of.web_port && other.claimed == of.claimed;
  });
}

}  // namespace

std::optional<std::uint16_t> counterpart(std::uint16_t web_port, const ProbeRange& range) {
  if (range.web_ports.empty() || range.dicom_ports.empty()) return std::nullopt;
  const int port = range.dicom_ports.front() + (web_port - range.web_ports.front());
  if (port < 1 || port > 65'535) return std::nullopt;
  const auto found = static_cast<std::uint16_t>(port);
  return contains(range.dicom_ports, found) ? std::optional(found) : std::nullopt;
}

Pairing pair_ports(std::span<const PairingServer> servers, const PortList& answering, const ProbeRange& range) {
  std::vector<PairingServer> ordered(servers.begin(), servers.end());
  std::ranges::sort(ordered, {}, &PairingServer::web_port);
  Assignment assignment;
  for (const auto& server : ordered)
    if (server.online && server.claimed && contains(answering, *server.claimed) && is_sole_claim(ordered, server))
      assignment.give(server.web_port, *server.claimed);
  for (const auto& server : ordered) {
    const auto port = counterpart(server.web_port, range);
    if (server.online && port && contains(answering, *port)) assignment.give(server.web_port, *port);
  }
  for (const auto& server : ordered)
    if (!server.online && server.held) assignment.give(server.web_port, *server.held);
  return std::move(assignment).result();
}

}  // namespace rollcall::probe
