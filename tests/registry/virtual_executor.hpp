#pragma once
// Executors and a clock that move only when told: what a test waits for happens when it says so.
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/executor.hpp"
#include "base/turn_barrier.hpp"

namespace rollcall::testing {

class VirtualTime final : public Clock {
 public:
  [[nodiscard]] MonoTime now() const noexcept override { return now_; }
  [[nodiscard]] WallTime wall_now() const noexcept override {
    return WallTime{std::chrono::seconds{1'700'000'000}} +
           std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch());
  }

  void schedule(MonoTime when, Task task) { tasks_.emplace(std::pair(when, next_++), std::move(task)); }

  /// Runs everything due until `duration` has passed.
  void advance(Duration duration) {
    const MonoTime end = now_ + duration;
    while (!tasks_.empty() && tasks_.begin()->first.first <= end) {
      auto node = tasks_.extract(tasks_.begin());
      now_ = std::max(now_, node.key().first);
      node.mapped()();
    }
    now_ = end;
  }

  /// As if the process had been stopped: time passes and nothing runs.
  void jump(Duration duration) { now_ += duration; }

 private:
  MonoTime now_{std::chrono::seconds{1000}};
  std::uint64_t next_ = 0;
  std::map<std::pair<MonoTime, std::uint64_t>, Task> tasks_;
};

/// Runs what was posted as soon as time moves, or keeps it while it hangs.
class VirtualExecutor final : public Executor {
 public:
  explicit VirtualExecutor(VirtualTime& time) : time_(time) {}
  void post(Task task) override {
    if (hanging) {
      held_.push_back(std::move(task));
    } else {
      time_.schedule(time_.now(), std::move(task));
    }
  }
  TimerId post_at(MonoTime when, Task task) override {
    time_.schedule(when, std::move(task));
    return TimerId::none;
  }
  void cancel(TimerId) override {}

  void resume() {
    hanging = false;
    for (auto& task : std::exchange(held_, {})) post(std::move(task));
  }

  bool hanging = false;

 private:
  VirtualTime& time_;
  std::vector<Task> held_;
};

/// I/O threads that have turned as soon as they are asked, or that hang.
class VirtualTurns final : public TurnBarrier {
 public:
  void after_all_turned(Task done) override {
    if (hanging) {
      held_ = std::move(done);
    } else {
      done();
    }
  }
  void turn() {
    hanging = false;
    if (held_) std::exchange(held_, nullptr)();
  }

  bool hanging = false;

 private:
  Task held_;
};

}  // namespace rollcall::testing
