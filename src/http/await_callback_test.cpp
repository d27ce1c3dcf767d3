#include "http/await_callback.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace rollcall::http {
namespace {

namespace asio = boost::asio;
using Callback = std::move_only_function<void(std::string)>;

TEST(AwaitCallback, ResumesOnItsOwnThreadWithWhatAnotherThreadGave) {
  asio::io_context io(1);
  std::thread other;
  std::string got;
  std::thread::id resumed_on;
  asio::co_spawn(
      io,
      [&]() -> asio::awaitable<void> {
        got = co_await await_callback<std::string>([&](Callback callback) {
          other = std::thread([callback = std::move(callback)]() mutable { callback("from there"); });
        });
        resumed_on = std::this_thread::get_id();
      },
      asio::detached);

  io.run();
  other.join();

  EXPECT_EQ(got, "from there");
  EXPECT_EQ(resumed_on, std::this_thread::get_id());
}

TEST(AwaitCallback, MayBeCalledAtOnce) {
  asio::io_context io(1);
  std::string got;
  asio::co_spawn(
      io,
      [&]() -> asio::awaitable<void> {
        got = co_await await_callback<std::string>([](Callback callback) { callback("at once"); });
      },
      asio::detached);
  io.run();
  EXPECT_EQ(got, "at once");
}

TEST(AwaitCallback, ADroppedCallbackEndsTheCoroutineOnItsOwnThread) {
  asio::io_context io(1);
  std::thread other;
  std::thread::id ended_on;
  const auto watch = [&ended_on](void*) { ended_on = std::this_thread::get_id(); };
  asio::co_spawn(
      io,
      [&]() -> asio::awaitable<void> {
        const std::shared_ptr<void> local(nullptr, watch);
        co_await await_callback<std::string>([&](Callback callback) {
          other = std::thread([callback = std::move(callback)]() mutable { const auto dropped = std::move(callback); });
        });
      },
      asio::detached);

  io.run();
  other.join();

  EXPECT_EQ(ended_on, std::this_thread::get_id());
}

TEST(AwaitCallback, ManyInFlightAnswerEachItsOwn) {
  constexpr int kCoroutines = 200;
  asio::io_context io(1);
  std::vector<Callback> waiting;
  int right = 0;
  for (int i = 0; i < kCoroutines; ++i) {
    asio::co_spawn(
        io,
        [&waiting, &right, i]() -> asio::awaitable<void> {
          const auto got = co_await await_callback<std::string>(
              [&waiting](Callback callback) { waiting.push_back(std::move(callback)); });
          right += got == std::to_string(i) ? 1 : 0;
        },
        asio::detached);
  }
  asio::post(io, [&] {
    std::thread([&waiting] {
      for (int i = 0; i < kCoroutines; ++i) waiting[static_cast<std::size_t>(i)](std::to_string(i));
    }).join();
  });

  io.run();

  EXPECT_EQ(right, kCoroutines);
}

}  // namespace
}  // namespace rollcall::http
