#include "net/io_threads.hpp"

#include <pthread.h>

#include <boost/asio/post.hpp>
#include <string>
#include <utility>

#include "net/io_loop.hpp"

namespace rollcall::net {
namespace {

// Asio's reactor takes so many events with one epoll_wait (epoll_reactor::run).
constexpr std::size_t kEventsPerTurn = 128;
// Listener ready, accepted, session started, read, answered: a hop each. The rest is for bodies that take many reads.
constexpr std::size_t kTurnsOfOneRequest = 64;

}  // namespace

struct IoThreads::Barrier {
  Barrier(std::size_t threads, Task task) : left(threads), done(std::move(task)) {}
  std::atomic<std::size_t> left;
  Task done;
};

IoThreads::IoThreads(std::size_t count, std::size_t sockets_max)
    : turns_(kTurnsOfOneRequest + sockets_max / kEventsPerTurn) {
  for (std::size_t i = 0; i < count; ++i) lanes_.push_back(std::make_unique<Lane>());
}

IoThreads::~IoThreads() { shutdown(std::chrono::milliseconds{0}); }

void IoThreads::start() {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    {
      const std::lock_guard lock(mutex_);
      ++running_;
    }
    lanes_[i]->thread = std::thread([this, i] { run(i); });
  }
}

void IoThreads::run(std::size_t index) {
  ::pthread_setname_np(::pthread_self(), ("rollcall-io-" + std::to_string(index)).c_str());
  run_io_loop(lanes_[index]->context, "net", "a task of I/O thread " + std::to_string(index));
  const std::lock_guard lock(mutex_);
  --running_;
  ended_.notify_all();
}

bool IoThreads::shutdown(std::chrono::milliseconds grace) {
  for (auto& lane : lanes_) lane->work.reset();
  std::unique_lock lock(mutex_);
  const bool ended = ended_.wait_for(lock, grace, [this] { return running_ == 0; });
  lock.unlock();
  for (auto& lane : lanes_) {
    if (!ended) lane->context.stop();
    if (lane->thread.joinable()) lane->thread.join();
    if (!ended) lane->context.abandon();
  }
  return ended;
}

// Each turn is one poll of the reactor: the scheduler queues a posted task behind its own next poll.
void IoThreads::turn(std::shared_ptr<Barrier> barrier, boost::asio::io_context& context, std::size_t turns_left) {
  if (turns_left == 0) {
    if (barrier->left.fetch_sub(1, std::memory_order_acq_rel) == 1) barrier->done();
    return;
  }
  boost::asio::post(context, [barrier = std::move(barrier), &context, turns_left]() mutable {
    turn(std::move(barrier), context, turns_left - 1);
  });
}

void IoThreads::after_all_turned(Task done) {
  const auto barrier = std::make_shared<Barrier>(lanes_.size(), std::move(done));
  for (auto& lane : lanes_) turn(barrier, lane->context, turns_);
}

}  // namespace rollcall::net
