#pragma once
// The threads that serve connections: one io_context each, so that a connection never meets a lock.
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/turn_barrier.hpp"

namespace rollcall::net {

class IoThreads final : public TurnBarrier {
 public:
  /// `sockets_max`: how many sockets may be ready at once on a thread; the barrier turns as often as it takes to read
  /// them all.
  IoThreads(std::size_t count, std::size_t sockets_max);
  /// Stops without grace if shutdown() hasn't been called.
  ~IoThreads() override;
  IoThreads(const IoThreads&) = delete;
  IoThreads& operator=(const IoThreads&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return lanes_.size(); }
  [[nodiscard]] boost::asio::io_context& context(std::size_t thread) noexcept { return lanes_[thread]->context; }

  /// The threads run from here on, named rollcall-io-N.
  void start();

  /// Waits until no work is left (connections, timers), at most `grace`, then stops what still runs. False when it had
  /// to: connections that still
  /// wait are destroyed then. The owner closes its listeners and drains its connections first.
  bool shutdown(std::chrono::milliseconds grace);

  /// A thread that hangs holds `done` back, as it should: nobody knows what lies in its sockets.
  void after_all_turned(Task done) override;

 private:
  using WorkGuard = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;
  /// Can let go of what waits in it while all that this refers to is still there.
  class Context : public boost::asio::io_context {
   public:
    using io_context::io_context;
    void abandon() { shutdown(); }
  };
  struct Lane {
    // Sockets of a context are touched by its thread alone, so their operations needn't lock; post() still does.
    Lane() : context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO), work(boost::asio::make_work_guard(context)) {}
    Context context;
    WorkGuard work;
    std::thread thread;
  };
  struct Barrier;

  void run(std::size_t index);
  static void turn(std::shared_ptr<Barrier> barrier, boost::asio::io_context& context, std::size_t turns_left);

  const std::size_t turns_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t running_ = 0;  // guarded by mutex_
};

}  // namespace rollcall::net
