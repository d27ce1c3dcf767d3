#pragma once
// What providers find, turned into the registry's commands.
#include <functional>
#include <memory>
#include <string>

#include "base/executor.hpp"
#include "discovery/provider.hpp"
#include "metrics/sample_table.hpp"
#include "registry/registry.hpp"

namespace rollcall {

/// A provider's findings become Observe and Deregister commands, and samples. The newest word on each instance is
/// written in the end: what is refused for a reason that may pass is written again a second later, until it is taken,
/// there is a newer word, or forget(). So a provider may report only what changes.
class RegistrySink final : public ProviderSink {
 public:
  struct Parts {
    Registry& registry;
    Executor& registry_thread;
    SampleTable& samples;
    const Clock& clock;
  };

  /// `suffix`: of the ids, where several nodes find the same each for itself.
  RegistrySink(const Parts& parts, Source source, std::string suffix = {});
  ~RegistrySink() override;
  RegistrySink(const RegistrySink&) = delete;
  RegistrySink& operator=(const RegistrySink&) = delete;

  void seen(Sighting sighting) override;
  void gone(InstanceId id, Cause cause) override;
  void sampled(const InstanceId& id, const Sample& sample) override;

  /// Any thread. `done` is called, on any thread, when all that was said before has been answered for the first time.
  void after_all_said(std::function<void()> done);
  /// Any thread. Others speak from now on: what was refused isn't written again.
  void forget();

 private:
  class Words;
  [[nodiscard]] InstanceId ours(InstanceId id) const { return InstanceId(id.str() + suffix_); }

  SampleTable& samples_;
  const std::string suffix_;
  const std::shared_ptr<Words> words_;
};

}  // namespace rollcall
