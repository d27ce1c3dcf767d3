#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "discovery/docker/config.hpp"
#include "discovery/docker/label_rules.hpp"
#include "discovery/provider.hpp"
#include "model/agent_report.hpp"

namespace rollcall {

/// How far what is known of a Docker engine is to be believed, and how much there is.
struct DockerState {
  bool manager = false;                 ///< of a Swarm: services and tasks are known
  std::string api_version;              ///< empty: never reached
  std::optional<WallTime> stale_since;  ///< what is known is from then; none: it is up to date
  std::optional<WallTime> last_refresh;
  std::uint64_t services = 0, tasks = 0, containers = 0;  ///< reported
  std::uint64_t agents = 0;                               ///< nodes whose agents have reported of late
  std::uint64_t events = 0, looks = 0, refreshes = 0, failures = 0;
  std::chrono::milliseconds refresh_took{0};     ///< the last one
  std::vector<docker::LabelWarning> warnings{};  ///< each a service that is left out
};

/// One that runs on the engine that is asked, and what it is known as.
struct RunningContainer {
  std::string id;
  ServiceName service;
  std::vector<InstanceId> instances;  ///< one for each port of a plain container
};

/// Follows a Docker engine: the services and tasks of its Swarm, where it is a manager, and containers of its own.
/// Ids: `swarm:service:SERVICE` for what is said of a service as a whole (InstanceSpec::declares), `swarm:TASK` for
/// tasks, `docker:CONTAINER:PORT` or what SERVICE_ID says for containers; see README.md. Nothing is reported
/// gone because an engine can't be reached, or before the first complete list after start().
class DockerProvider : public Provider {
 public:
  using RefreshDone = std::move_only_function<void(Result<void>)>;
  using TakeWishes = std::move_only_function<void(Result<AgentWishes>)>;
  using OrderDone = std::move_only_function<void(bool)>;
  using TakeContainers = std::move_only_function<void(std::vector<RunningContainer>)>;

  /// Any thread. Lists everything again and reports the difference; `done` is called on the provider's thread once the
  /// sink has it all, or with why not. Not called after stop().
  virtual void refresh(RefreshDone done) = 0;
  /// Any thread. `take` is called on the provider's thread. Not called after stop().
  virtual void running_containers(TakeContainers take) = 0;
  /// Any thread. What an agent tells of another node: the services of the tasks that it names are looked at at once,
  /// and that node's tasks needn't be polled for a while. `take` is called on any thread with what the agent is to
  /// tell next; `unavailable` where no Swarm is followed, `not_found` of a node that isn't in it. Dropped by stop().
  virtual void node_reports(std::string node, AgentReport report, TakeWishes take) = 0;
  /// Any thread. Asks the agents of other nodes for new figures of a service's tasks; they come with their reports.
  /// `done` hears whether any came, on any thread, after DockerLimits::agent_timeout at the latest. Dropped by stop().
  virtual void order_samples(ServiceName service, OrderDone done) = 0;
  /// Any thread.
  [[nodiscard]] virtual DockerState state() const = 0;
};

/// Reads the files that `config` names. `clock` outlives the provider.
[[nodiscard]] Result<std::unique_ptr<DockerProvider>> make_docker_provider(DockerConfig config, const Clock& clock);

}  // namespace rollcall
