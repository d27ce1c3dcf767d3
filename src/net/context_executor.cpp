#include "net/context_executor.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "http/inlet.hpp"

namespace rollcall::net {

namespace asio = boost::asio;

struct ContextExecutor::Timer {
  Timer(asio::io_context& context, MonoTime when, Task job) : timer(context, when), task(std::move(job)) {}
  asio::steady_timer timer;
  Task task;
};

ContextExecutor::ContextExecutor(asio::io_context& context) : context_(context) {}
ContextExecutor::~ContextExecutor() = default;

void ContextExecutor::post(Task task) {
  const asio::any_io_executor executor = context_.get_executor();
  http::Inlet::of(executor).post(executor, std::move(task));
}

Executor::TimerId ContextExecutor::post_at(MonoTime when, Task task) {
  const TimerId id{last_timer_.fetch_add(1, std::memory_order_relaxed) + 1};
  if (context_.get_executor().running_in_this_thread()) {
    set(id, when, std::move(task));
  } else {
    asio::post(context_, [this, id, when, task = std::move(task)]() mutable { set(id, when, std::move(task)); });
  }
  return id;
}

void ContextExecutor::cancel(TimerId timer) { timers_.erase(timer); }

void ContextExecutor::drop_timers() {
  stopping_ = true;
  timers_.clear();
}

void ContextExecutor::set(TimerId id, MonoTime when, Task task) {
  if (stopping_) return;
  auto& entry = *timers_.try_emplace(id, std::make_unique<Timer>(context_, when, std::move(task))).first->second;
  entry.timer.async_wait([this, id](const boost::system::error_code& error) {
    if (!error) fire(id);
  });
}

// It may have been cancelled after its time, with this call already queued.
void ContextExecutor::fire(TimerId id) {
  auto found = timers_.extract(id);
  if (found) found.mapped()->task();
}

}  // namespace rollcall::net
