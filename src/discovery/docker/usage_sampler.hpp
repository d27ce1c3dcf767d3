#pragma once
// Asks an engine what its containers use, many at a time, for each call takes it a second.
#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "discovery/docker/docker_provider.hpp"
#include "discovery/docker/engine_client.hpp"

namespace rollcall {

class UsageSampler {
 public:
  /// Calls back with the containers that run, on any thread; or drops the callback where nobody knows.
  using ListContainers = std::function<void(DockerProvider::TakeContainers)>;
  /// On the sampler's thread; must not block.
  using Take = std::function<void(const InstanceId&, const Sample&)>;
  using Done = std::move_only_function<void(bool)>;
  using Wanted = std::function<bool(const RunningContainer&)>;

  struct Counts {
    std::uint64_t samples = 0;
    std::uint64_t failures = 0;          ///< containers that vanished aren't meant
    std::chrono::milliseconds round{0};  ///< how long the last one of all containers took
  };

  virtual ~UsageSampler() = default;

  /// From now on all containers are asked about each MetricsLimits::step.
  virtual void start() = 0;
  /// Ends and joins at once; nothing is taken afterwards. The callbacks given to ListContainers must not be called any
  /// more.
  virtual void stop() = 0;
  /// Any thread. Asks about these containers now, before all others; `wanted` is called on any thread. `done` hears, on
  /// any thread, whether there are new samples; it is always called.
  virtual void refresh(Wanted wanted, Done done) = 0;
  /// Any thread.
  [[nodiscard]] virtual Counts counts() const = 0;
};

/// `clock` outlives the sampler.
[[nodiscard]] std::unique_ptr<UsageSampler> make_usage_sampler(std::unique_ptr<docker::EngineClient> client,
                                                               const MetricsLimits& limits, const Clock& clock,
                                                               UsageSampler::ListContainers list,
                                                               UsageSampler::Take take);

/// The same with a client for `config`, whose files are read.
[[nodiscard]] Result<std::unique_ptr<UsageSampler>> make_usage_sampler(const DockerConfig& config,
                                                                       const MetricsLimits& limits, const Clock& clock,
                                                                       UsageSampler::ListContainers list,
                                                                       UsageSampler::Take take);

}  // namespace rollcall
