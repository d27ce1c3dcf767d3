#pragma once
// In each process, who tells of what the orchestrator has: the real ledger and the real sink on a simulated thread.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "discovery/docker/ledger.hpp"
#include "orchestrator.hpp"
#include "server/registry_sink.hpp"
#include "sim_thread.hpp"

namespace rollcall::sim {

inline constexpr std::string_view kObserversOffice = "orchestrator";

class Observer {
 public:
  Observer(Node& node, Orchestrator& orchestrator, Registry& registry, Executor& registry_thread,
           const Catalog& catalog);
  ~Observer();
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  /// Where no other process shares the log.
  void start() { observe(true); }
  /// The offices that the node holds.
  void hold(const std::vector<std::string>& offices);
  /// The orchestrator tells of a service.
  void changed(const std::string& service);

  [[nodiscard]] SimThread& thread() noexcept { return thread_; }

 private:
  void observe(bool wanted);
  void list();
  void list_later();
  void report(const std::string& service);

  Orchestrator& orchestrator_;
  const Catalog& catalog_;
  SimThread thread_;
  const Clock& clock_;
  SampleTable samples_;
  RegistrySink sink_;
  std::optional<docker::Ledger> ledger_;  // on the thread; none: another may observe
  std::uint64_t lists_ = 0;
};

}  // namespace rollcall::sim
