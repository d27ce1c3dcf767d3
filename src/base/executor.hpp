#pragma once
// Where work runs and when. Injected, so that the simulation drives the real queue, leases and retries in virtual time.
#include <cstdint>
#include <functional>

#include "base/clock.hpp"

namespace rollcall {

using Task = std::move_only_function<void()>;

/// One thread's worth of work, in order. Tasks never run inside post() or post_at().
class Executor {
 public:
  enum class TimerId : std::uint64_t { none = 0 };

  virtual ~Executor() = default;

  /// Any thread. Tasks of one poster run in the order posted.
  virtual void post(Task task) = 0;

  /// Any thread. Runs `task` once, not before `when`. The id is for cancel().
  virtual TimerId post_at(MonoTime when, Task task) = 0;

  /// Only from a task of this executor: afterwards the timer's task doesn't run. Unknown ids are ignored.
  virtual void cancel(TimerId timer) = 0;
};

}  // namespace rollcall
