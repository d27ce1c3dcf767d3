#pragma once
// What the log says, turned into checks; what providers sample, into what services use.
#include <functional>
#include <memory>

#include "discovery/check/checker.hpp"
#include "discovery/provider.hpp"
#include "metrics/sample_table.hpp"
#include "metrics/usage_history.hpp"
#include "registry/registry.hpp"
#include "server/registry_sink.hpp"

namespace rollcall {

/// What those are given who run a provider.
struct ProviderParts : RegistrySink::Parts {
  const Catalog& catalog;
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
