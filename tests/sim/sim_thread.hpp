#pragma once
#include <memory>
#include <string>

#include "base/executor.hpp"
#include "base/turn_barrier.hpp"
#include "node.hpp"

namespace rollcall::sim {

/// One thread of the process: tasks in order, each after a seeded wait; it can be stalled.
class SimThread final : public Executor {
 public:
  SimThread(Node& node, std::string name);
  ~SimThread() override;
  SimThread(const SimThread&) = delete;
  SimThread& operator=(const SimThread&) = delete;

  void post(Task task) override;
  TimerId post_at(MonoTime when, Task task) override;
  void cancel(TimerId timer) override;

  void stall_until(MonoTime when);
  /// Drops all tasks and timers.
  void clear();

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

/// Threads read what lies in their inbox in order, so a task posted behind it has seen the thread turn.
class SimTurnBarrier final : public TurnBarrier {
 public:
  explicit SimTurnBarrier(std::vector<SimThread*> threads) : threads_(std::move(threads)) {}
  void after_all_turned(Task done) override;

 private:
  std::vector<SimThread*> threads_;
};

}  // namespace rollcall::sim
