#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "discovery/docker/config.hpp"
#include "model/agent_report.hpp"

namespace rollcall {

/// Tells a Rollcall server what happens to the Swarm tasks of the node that it runs on, and what they use. A manager
/// hears of its own node's containers alone: each other node has to be asked, or has someone who tells.
class Agent {
 public:
  struct Config {
    DockerConfig docker;
    MetricsLimits metrics;
  };
  /// Sends a report of the node with this id, and waits for the answer. On the thread of run().
  using Send = std::function<Result<AgentWishes>(const std::string& node, const AgentReport& report)>;

  virtual ~Agent() = default;
  /// Until SIGTERM or SIGINT. An engine or a server that isn't there is waited for.
  virtual void run() = 0;
};

/// `clock` outlives the agent.
[[nodiscard]] Result<std::unique_ptr<Agent>> make_agent(const Agent::Config& config, const Clock& clock,
                                                        Agent::Send send);

}  // namespace rollcall
