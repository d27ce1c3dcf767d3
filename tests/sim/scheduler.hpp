#pragma once
// Virtual time: one queue of events, ordered by time and, within it, by who came first.
#include <cstdint>
#include <vector>

#include "base/clock.hpp"
#include "base/executor.hpp"

namespace rollcall::sim {

class Scheduler {
 public:
  /// Runs `task` at `when`, or now if that is past.
  void at(MonoTime when, Task task);
  void after(Duration delay, Task task) { at(now() + delay, std::move(task)); }

  /// Runs the next event. False when there is none, or none before `limit`: then it is `limit`.
  bool run_one(MonoTime limit);

  /// What a running task calls when it blocks or computes: the time it sees goes on, other threads don't wait.
  void spend(Duration duration) noexcept { spent_ += duration; }

  [[nodiscard]] MonoTime now() const noexcept { return now_ + spent_; }
  [[nodiscard]] std::uint64_t events_run() const noexcept { return events_run_; }

 private:
  struct Event {
    MonoTime when;
    std::uint64_t sequence;
    Task task;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const noexcept {
      return a.when != b.when ? a.when > b.when : a.sequence > b.sequence;
    }
  };

  std::vector<Event> heap_;
  MonoTime now_{std::chrono::seconds(1000)};
  Duration spent_{0};
  std::uint64_t next_sequence_ = 0;
  std::uint64_t events_run_ = 0;
};

}  // namespace rollcall::sim
