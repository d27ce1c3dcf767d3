#pragma once
// What a server's checks say of it over time. Pure: brought an observation, it tells what changed.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "model/instance.hpp"

namespace rollcall::probe {

enum class Outcome : std::uint8_t {
  answered,     ///< as itself
  refused,      ///< its host says that nobody listens: offline at once
  silent,       ///< no answer, or one broken off: offline after several
  foreign,      ///< something else answers there: offline after several
  no_evidence,  ///< we lacked descriptors or a route: says nothing of it
};

struct Observation {
  Outcome outcome = Outcome::no_evidence;
  std::string evidence;  ///< "connect to 127.0.0.1:8042 refused"
  MonoTime at;
};

struct TrackerRules {
  unsigned failures_before_offline = 3;
  std::chrono::milliseconds remove_after{300'000};
};

class ServerTracker {
 public:
  enum class Step : std::uint8_t {
    unchanged,
    changed,  ///< its health or the reason for it
    gone,     ///< offline for so long that it is to be forgotten
  };

  /// A server that just answered.
  ServerTracker(TrackerRules rules, std::string evidence, MonoTime now);

  /// One that was known before a restart of ours; `unseen_for`: how long it had been offline.
  ServerTracker(TrackerRules rules, Status health, std::string evidence, MonoTime now, Duration unseen_for);

  [[nodiscard]] Step observe(const Observation& observation);

  /// Which start of its process answers now, where that can be known. Another one than before is a restart.
  void saw_process(std::uint64_t start_time);

  [[nodiscard]] bool online() const noexcept { return health_ == Status::passing; }
  [[nodiscard]] Status health() const noexcept { return health_; }
  [[nodiscard]] const std::string& evidence() const noexcept { return evidence_; }  ///< of the last change
  [[nodiscard]] MonoTime last_seen() const noexcept { return last_seen_; }
  [[nodiscard]] std::uint64_t restarts() const noexcept { return restarts_; }

 private:
  Step came_back(const Observation& observation);
  Step failed(const Observation& observation);
  Step go_offline(std::string evidence);

  TrackerRules rules_;
  Status health_;
  std::string evidence_;
  MonoTime last_seen_;
  unsigned failures_ = 0;
  bool was_refused_ = false;
  std::optional<std::uint64_t> process_start_;
  std::uint64_t restarts_ = 0;
};

}  // namespace rollcall::probe
