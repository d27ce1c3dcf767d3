#pragma once
// What an engine says of itself and of what it runs, as far as it is of use here. Plain values.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "model/agent_report.hpp"

namespace rollcall::docker {

/// What Swarm labels a task's container with.
inline constexpr std::string_view kTaskLabel = "com.docker.swarm.task.id";
inline constexpr std::string_view kServiceLabel = "com.docker.swarm.service.id";

/// Sorted by key, keys unique.
using Labels = std::vector<std::pair<std::string, std::string>>;

struct VersionInfo {
  std::string api{}, min_api{};  ///< "1.41"
  std::string engine{};          ///< "20.10.24"
};

struct EngineInfo {
  std::string name{};
  std::string node_id{};       ///< in its Swarm; empty: in none
  std::string node_address{};  ///< by which the Swarm reaches it
  std::string swarm_state{};   ///< "inactive", "pending", "active", "error", "locked"
  bool manager = false;        ///< of a Swarm that has a leader, so that services can be asked for
};

struct Port {
  std::string protocol{};
  std::uint16_t target = 0;     ///< where the container listens
  std::uint16_t published = 0;  ///< where its host does; 0: nowhere
  bool host_mode = false;       ///< on the task's own node alone, without the routing mesh
  std::string host_ip{};        ///< of a plain container's; empty: every address
  friend bool operator==(const Port&, const Port&) = default;
};

struct Service {
  std::string id{}, name{};
  std::uint64_t version = 0;
  WallTime created_at{}, updated_at{};
  Labels labels{};
  std::uint32_t replicas = 0;  ///< wanted; of a global service 1
  bool global = false;
  std::vector<Port> ports{};
  std::optional<std::uint64_t> running_tasks{}, desired_tasks{};  ///< absent below API 1.41
  bool updating = false;
};

/// A container's place in a network.
struct Attachment {
  std::string network{};  ///< its name
  std::string driver{};   ///< "overlay", "bridge", "host"; of a plain container it isn't known
  std::string address{};  ///< without its prefix; empty: none, as with the host's own network
  bool ingress = false;
  friend bool operator==(const Attachment&, const Attachment&) = default;
};

struct Task {
  std::string id{}, service_id{}, node_id{};
  std::uint64_t version = 0;
  std::uint64_t slot = 0;  ///< 0: of a global service
  std::string state{}, desired_state{};
  std::string message{}, error{};
  std::string container_id{};  ///< empty: none yet
  std::vector<Port> ports{};   ///< published on its node
  std::vector<Attachment> networks{};
};

struct Node {
  std::string id{}, hostname{}, address{}, state{};  ///< state: "ready", "down", "unknown", "disconnected"
  friend bool operator==(const Node&, const Node&) = default;
};

struct Container {
  std::string id{}, name{}, image{};
  std::string state{};  ///< "running", "paused", ...
  ContainerHealth health = ContainerHealth::none;
  Labels labels{};
  std::vector<Port> ports{};
  std::vector<Attachment> networks{};
};

/// What only asking for one container tells.
struct ContainerDetails {
  Labels environment{};
  std::vector<Port> exposed{};  ///< not published
};

struct EngineEvent {
  std::string type{};    ///< "service", "node", "container", "network"
  std::string action{};  ///< "update", "start", "health_status: healthy"
  std::string id{};      ///< of what it happened to
  Labels attributes{};   ///< of a container its labels too
  std::int64_t time_ns = 0;
};

/// Null where there is none.
[[nodiscard]] inline const std::string* find_label(const Labels& labels, std::string_view key) {
  const auto found = std::ranges::lower_bound(labels, key, {}, &Labels::value_type::first);
  return found != labels.end() && found->first == key ? &found->second : nullptr;
}

}  // namespace rollcall::docker
