#pragma once
// Which Docker engine is asked, and what of it is reported. Plain values; the server fills them from its configuration.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace rollcall {

/// What the labels of a service are called that say whether and how it may be scaled.
struct DockerLabelNames {
  std::string enabled = "autoscaler.enabled";
  std::string metric = "autoscaler.metric";
  std::string cpu_threshold = "autoscaler.cpu.threshold";
  std::string memory_threshold = "autoscaler.memory.threshold";
  std::string min = "autoscaler.min";
  std::string max = "autoscaler.max";
};

/// A label that must be there, and, if `value` is given, what it must say. "true" is also met by "True" and "TRUE".
struct LabelCondition {
  std::string key;
  std::optional<std::string> value;
  friend bool operator==(const LabelCondition&, const LabelCondition&) = default;
};

/// Where an engine answers.
struct EngineAddress {
  enum class Kind : std::uint8_t { unix_socket, tcp, tls };
  Kind kind = Kind::unix_socket;
  std::string path{};  ///< of the socket
  std::string host{};  ///< name or address, without brackets
  std::uint16_t port = 0;
  friend bool operator==(const EngineAddress&, const EngineAddress&) = default;
};

struct DockerConfig {
  EngineAddress address;
  /// The folder of ca.pem, cert.pem and key.pem, as Docker's own client has it; makes tcp:// TLS.
  std::string cert_path;
  std::optional<std::vector<LabelCondition>> filter;  ///< all must hold; none: the label `enabled` is true
  DockerLabelNames labels;
  std::vector<std::string> networks;  ///< that those who ask share with the services, the best first; none: see README
  /// By which ports are reached that containers outside of the Swarm publish; empty: the engine's own, if known.
  std::string host_address;
  std::chrono::milliseconds refresh_interval{30'000};
  bool containers = true;  ///< also those that aren't Swarm's
  DockerLimits limits;
  ModelLimits model;
};

/// unix:///PATH, tcp://HOST[:PORT], http://HOST[:PORT], https://HOST[:PORT]; ports 2375 and 2376 (TLS) if left out.
[[nodiscard]] Result<EngineAddress> parse_engine_url(std::string_view text, std::string_view field);
/// As parse_engine_url() takes it.
[[nodiscard]] std::string to_text(const EngineAddress& address);

/// "KEY" or "KEY=VALUE".
[[nodiscard]] Result<LabelCondition> parse_label_condition(std::string_view text, std::string_view field);

/// The conditions that hold for these settings, the default filled in.
[[nodiscard]] std::vector<LabelCondition> filter_of(const DockerConfig& config);

}  // namespace rollcall
