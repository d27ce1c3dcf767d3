#pragma once
// What providers and checks say, turned into the registry's commands; what the log says, into checks.
#include <functional>
#include <memory>

#include "discovery/check/checker.hpp"
#include "discovery/provider.hpp"
#include "metrics/sample_table.hpp"
#include "metrics/usage_history.hpp"
#include "registry/registry.hpp"

namespace rollcall {

/// A provider's findings become Observe and Deregister commands, and samples.
class RegistrySink final : public ProviderSink {
 public:
  /// `suffix`: of the ids, where several nodes find the same each for itself. `refused`: a write came to nothing that
  /// may succeed later; on any thread. A provider that reports only what changes has to say it again.
  RegistrySink(Registry& registry, SampleTable& samples, Source source, std::string suffix = {},
               std::function<void()> refused = {})
      : registry_(registry),
        samples_(samples),
        source_(source),
        suffix_(std::move(suffix)),
        refused_(std::move(refused)) {}

  void seen(Sighting sighting) override;
  void gone(InstanceId id, Cause cause) override;
  void sampled(const InstanceId& id, const Sample& sample) override;

 private:
  Registry& registry_;
  SampleTable& samples_;
  [[nodiscard]] InstanceId ours(InstanceId id) const { return InstanceId(id.str() + suffix_); }

  const Source source_;
  const std::string suffix_;
  const std::function<void()> refused_;
};

/// Keeps the checker in step with the log. Lives on the registry's executor, which applies the events.
class CheckFollower : public std::enable_shared_from_this<CheckFollower> {
 public:
  CheckFollower(Catalog& catalog, Checker& checker, Executor& executor)
      : catalog_(catalog), checker_(checker), executor_(executor) {}

  /// On the executor. From start() on it is kept in step; after stop() nothing is checked until it starts again.
  void start();
  void stop();

 private:
  void watch();
  void follow();

  Catalog& catalog_;
  Checker& checker_;
  Executor& executor_;
  std::unique_ptr<Watcher> watcher_;
};

/// Puts what samples say of usage under the instance's service. What isn't in the catalog yet is left out: it is
/// sampled again before long.
/// `heard` is told of the service, on the thread that has the sample.
[[nodiscard]] SampleTable::Hear remember_usage(const Catalog& catalog, UsageHistory& usage,
                                               std::function<void(const ServiceName&)> heard);

/// The instances that `source` has left in the catalog.
[[nodiscard]] std::vector<InstancePtr> instances_of(const Catalog& catalog, Source source);

}  // namespace rollcall
