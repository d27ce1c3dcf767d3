#pragma once
// An io_context as an Executor, for what must not know of sockets.
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "base/executor.hpp"

namespace rollcall::net {

/// Its tasks run on the one thread that runs `context`, which outlives it. Its times are those of SystemClock.
class ContextExecutor final : public Executor {
 public:
  explicit ContextExecutor(boost::asio::io_context& context);
  ~ContextExecutor() override;
  ContextExecutor(const ContextExecutor&) = delete;
  ContextExecutor& operator=(const ContextExecutor&) = delete;

  void post(Task task) override;
  TimerId post_at(MonoTime when, Task task) override;
  void cancel(TimerId timer) override;

  /// From a task: no timer runs any more.
  void drop_timers();

 private:
  struct Timer;
  void set(TimerId id, MonoTime when, Task task);
  void fire(TimerId id);

  boost::asio::io_context& context_;
  std::atomic<std::uint64_t> last_timer_{0};
  // Touched by the context's thread alone.
  std::unordered_map<TimerId, std::unique_ptr<Timer>> timers_;
  bool stopping_ = false;
};

}  // namespace rollcall::net
