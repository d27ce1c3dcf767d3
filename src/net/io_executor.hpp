#pragma once
// A thread of its own for work that must be in order and may block: the registry's, the store's.
#include <memory>
#include <string>

#include "base/executor.hpp"

namespace rollcall::net {

/// Runs from construction on. Its times are those of SystemClock. A task that throws is logged, the next one runs.
class IoExecutor final : public Executor {
 public:
  explicit IoExecutor(const std::string& thread_name);
  /// Calls stop().
  ~IoExecutor() override;
  IoExecutor(const IoExecutor&) = delete;
  IoExecutor& operator=(const IoExecutor&) = delete;

  void post(Task task) override;
  TimerId post_at(MonoTime when, Task task) override;
  void cancel(TimerId timer) override;

  /// Runs what has been posted, and what that posts, drops the timers, and ends the thread. Not from a task. What is
  /// posted afterwards doesn't run.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rollcall::net
