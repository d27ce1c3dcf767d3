#pragma once
// What an agent tells of the node that it runs on.
#include <cstdint>
#include <string>
#include <vector>

#include "model/sample.hpp"

namespace rollcall {

/// What a container's own check says; `none` where it has no check.
enum class ContainerHealth : std::uint8_t { none, starting, healthy, unhealthy };

struct AgentReport {
  /// A container of a Swarm task that runs on the node, or to which something has happened.
  struct Task {
    std::string task{}, service{};  ///< the Swarm's ids
    std::string container{};        ///< the engine's
    std::string action{};           ///< the engine's word for what has happened: "start", "die"; empty: it runs
    ContainerHealth health = ContainerHealth::none;
    friend bool operator==(const Task&, const Task&) = default;
  };
  struct Usage {
    std::string task{};
    UsageSample usage{};
  };

  bool complete = false;  ///< `tasks` are all that run there
  std::vector<Task> tasks{};
  std::vector<Usage> samples{};
};

/// What a server answers: what it would like to be told next.
struct AgentWishes {
  std::vector<std::string> sample{};  ///< tasks whose figures somebody waits for
};

}  // namespace rollcall
