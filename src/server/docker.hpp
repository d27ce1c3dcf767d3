#pragma once
// All of the daemon that has to do with a Docker engine: it is followed, its containers are sampled, agents tell of its
// Swarm's other nodes, and routes ask for the newest.
#include <memory>
#include <string>

#include "api/routes.hpp"
#include "discovery/docker/usage_sampler.hpp"
#include "server/docker_discovery.hpp"

namespace rollcall {

class Docker {
 public:
  /// Null where no engine is to be followed. `in_office`: others share the log, and only who holds the office follows.
  [[nodiscard]] static Result<std::unique_ptr<Docker>> open(const DockerDiscovery::Parts& parts,
                                                            const Settings& settings, bool in_office);

  /// Lets routes ask. They end before this does.
  void offer(api::ApiParts& to);

  void start();
  /// Any thread.
  void hold(const std::vector<std::string>& offices) { discovery_->hold(offices); }
  void stop();

  /// Any thread. Of several nodes one follows.
  [[nodiscard]] bool follows() const noexcept { return discovery_->follows(); }
  /// Any thread. Has the containers of a service sampled; `done` is called on any thread, or dropped by stop().
  void refresh_usage(const ServiceName& service, UsageSampler::Done done);

  /// Any thread, as the next.
  [[nodiscard]] api::PartHealth health() const;
  void add_metrics(OwnMetrics& metrics) const;

 private:
  Docker(const DockerDiscovery::Parts& parts, const DockerConfig& config)
      : parts_(parts), refresh_interval_(config.refresh_interval) {}
  void take(const InstanceId& id, const Sample& sample);
  void take_report(std::string node, AgentReport report, DockerProvider::TakeWishes take_wishes);

  const DockerDiscovery::Parts parts_;
  const std::chrono::milliseconds refresh_interval_;
  std::unique_ptr<DockerDiscovery> discovery_;
  std::unique_ptr<UsageSampler> sampler_;
};

}  // namespace rollcall
