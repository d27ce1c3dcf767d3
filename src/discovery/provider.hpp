#pragma once
// A provider finds instances by itself and says what it sees. It knows no registry: the sink is handed in.
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/event.hpp"
#include "model/sample.hpp"

namespace rollcall {

/// One instance as a provider sees it now.
struct Sighting {
  InstanceId id;  ///< stable over restarts of the daemon and of what was found
  InstanceSpec spec;
  Status health = Status::passing;
  Cause cause;  ///< the evidence for that health
};

/// Where a provider's findings go. Called on the provider's thread; never blocks.
class ProviderSink {
 public:
  virtual ~ProviderSink() = default;
  /// New, changed or the same as before: the registry tells them apart.
  virtual void seen(Sighting sighting) = 0;
  virtual void gone(InstanceId id, Cause cause) = 0;
  /// The newest sample of an instance that was reported seen.
  virtual void sampled(const InstanceId& id, const Sample& sample) = 0;
};

class Provider {
 public:
  /// What the catalog has of this provider's source. On the thread that asks.
  using Known = std::function<std::vector<InstancePtr>()>;

  virtual ~Provider() = default;
  /// Starts on the provider's own thread. `known` is asked then, for what was left there before a restart, and may be
  /// again until stop().
  virtual void start(ProviderSink& sink, Known known) = 0;
  /// Ends and joins, within a second. The sink isn't called afterwards.
  virtual void stop() = 0;
  /// Any thread. What keeps it from seeing all that it should; empty when nothing does.
  [[nodiscard]] virtual std::string trouble() const = 0;
};

}  // namespace rollcall
