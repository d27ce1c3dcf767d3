#pragma once
// A coroutine waits for a callback that another thread will call. One allocation beside the coroutine's own.
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <optional>
#include <utility>

#include "http/inlet.hpp"

namespace rollcall::http {
namespace detail {

/// Carries a waiting coroutine to another thread and back. The coroutine is touched on its own executor alone, also
/// when it is only destroyed.
template <class T, class Handler>
class Resume {
  using Executor = boost::asio::associated_executor_t<Handler>;
  struct Waiting {
    explicit Waiting(Handler&& waiting)
        : work(boost::asio::make_work_guard(boost::asio::get_associated_executor(waiting))),
          handler(std::move(waiting)) {}
    boost::asio::executor_work_guard<Executor> work;
    Handler handler;
  };

 public:
  explicit Resume(Handler&& handler) : waiting_(std::in_place, std::move(handler)) {}
  Resume(Resume&& other) noexcept : waiting_(std::move(other.waiting_)) { other.waiting_.reset(); }
  Resume(const Resume&) = delete;
  Resume& operator=(const Resume&) = delete;
  Resume& operator=(Resume&&) = delete;
  ~Resume() {
    if (!waiting_) return;
    const auto executor = waiting_->work.get_executor();
    Inlet::of(executor).post(executor, [dropped = std::move(*waiting_)] {});
  }

  void operator()(T value) {
    auto waiting = std::move(*waiting_);
    waiting_.reset();
    const auto executor = waiting.work.get_executor();
    Inlet::of(executor).post(executor, [waiting = std::move(waiting), value = std::move(value)]() mutable {
      std::move(waiting.handler)(std::move(value));
    });
  }

 private:
  std::optional<Waiting> waiting_;
};

}  // namespace detail

/// Calls `start` with a callback and resumes, on the coroutine's own executor, with what the callback is given. The
/// callback may be called once, from any thread, also from within `start`, while the io_context lives. If it is dropped
/// without a call, the coroutine is destroyed where it stands.
template <class T, class Start>
boost::asio::awaitable<T> await_callback(Start start) {
  namespace asio = boost::asio;
  auto initiate = [](auto handler, Start begin) {
    begin(std::move_only_function<void(T)>(detail::Resume<T, decltype(handler)>(std::move(handler))));
  };
  auto operation =
      asio::async_initiate<const asio::use_awaitable_t<>, void(T)>(initiate, asio::use_awaitable, std::move(start));
  co_return co_await std::move(operation);
}

}  // namespace rollcall::http
