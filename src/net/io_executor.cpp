#include "net/io_executor.hpp"

#include <pthread.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thread>
#include <unordered_map>
#include <utility>

#include "net/io_loop.hpp"

namespace rollcall::net {
namespace {

namespace asio = boost::asio;

struct Timer {
  Timer(asio::io_context& context, MonoTime when, Task job) : timer(context, when), task(std::move(job)) {}
  asio::steady_timer timer;
  Task task;
};

}  // namespace

struct IoExecutor::Impl {
  Impl() : work(asio::make_work_guard(context)) {}

  void set(TimerId id, MonoTime when, Task task) {
    if (stopping) return;
    auto& entry = timers.try_emplace(id, context, when, std::move(task)).first->second;
    entry.timer.async_wait([this, id](const boost::system::error_code& error) {
      if (!error) fire(id);
    });
  }

  // It may have been cancelled after its time, with this call already queued.
  void fire(TimerId id) {
    auto found = timers.extract(id);
    if (found) found.mapped().task();
  }

  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::atomic<std::uint64_t> last_timer{0};
  std::thread thread;
  // Touched by the thread alone.
  std::unordered_map<TimerId, Timer> timers;
  bool stopping = false;
};

IoExecutor::IoExecutor(const std::string& thread_name) : impl_(std::make_unique<Impl>()) {
  impl_->thread = std::thread([impl = impl_.get(), thread_name] {
    ::pthread_setname_np(::pthread_self(), thread_name.substr(0, 15).c_str());
    run_io_loop(impl->context, "net");
  });
}

IoExecutor::~IoExecutor() { stop(); }

void IoExecutor::post(Task task) { asio::post(impl_->context, std::move(task)); }

Executor::TimerId IoExecutor::post_at(MonoTime when, Task task) {
  const TimerId id{impl_->last_timer.fetch_add(1, std::memory_order_relaxed) + 1};
  if (impl_->context.get_executor().running_in_this_thread()) {
    impl_->set(id, when, std::move(task));
  } else {
    asio::post(impl_->context, [impl = impl_.get(), id, when, task = std::move(task)]() mutable {
      impl->set(id, when, std::move(task));
    });
  }
  return id;
}

void IoExecutor::cancel(TimerId timer) { impl_->timers.erase(timer); }

void IoExecutor::stop() {
  if (!impl_->thread.joinable()) return;
  asio::post(impl_->context, [impl = impl_.get()] {
    impl->stopping = true;
    impl->timers.clear();
    impl->work.reset();
  });
  impl_->thread.join();
}

}  // namespace rollcall::net
