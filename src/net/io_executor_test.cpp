#include "net/io_executor.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

namespace rollcall::net {
namespace {

using namespace std::chrono_literals;

MonoTime in(Duration delay) { return SystemClock().now() + delay; }

TEST(IoExecutor, RunsTasksInOrderOnOneThread) {
  std::vector<int> order;
  std::thread::id thread;
  IoExecutor executor("rollcall-test");
  for (int i = 0; i < 1000; ++i) {
    executor.post([&, i] {
      order.push_back(i);
      thread = std::this_thread::get_id();
    });
  }
  executor.stop();
  ASSERT_EQ(order.size(), 1000U);
  EXPECT_TRUE(std::ranges::is_sorted(order));
  EXPECT_NE(thread, std::this_thread::get_id());
}

TEST(IoExecutor, TimersRunInTheirOrderAndNotBeforeTheirTime) {
  IoExecutor executor("rollcall-test");
  std::promise<void> last;
  std::vector<int> order;
  const auto second_at = in(20ms);
  MonoTime ran_at;
  executor.post_at(second_at, [&] {
    order.push_back(2);
    ran_at = SystemClock().now();
    last.set_value();
  });
  executor.post_at(in(5ms), [&order] { order.push_back(1); });
  last.get_future().wait();
  EXPECT_EQ(order, (std::vector{1, 2}));
  EXPECT_GE(ran_at, second_at);
}

TEST(IoExecutor, ACancelledTimerDoesNotRunEvenWhenItIsDue) {
  IoExecutor executor("rollcall-test");
  std::promise<void> done;
  bool ran = false;
  executor.post([&] {
    const auto past = executor.post_at(in(-1ms), [&ran] { ran = true; });
    executor.cancel(past);
    executor.cancel(past);
    executor.post_at(in(5ms), [&done] { done.set_value(); });
  });
  done.get_future().wait();
  EXPECT_FALSE(ran);
}

TEST(IoExecutor, StopRunsWhatWasPostedAndDropsTimers) {
  auto held = std::make_shared<int>(0);
  int ran = 0;
  {
    IoExecutor executor("rollcall-test");
    executor.post_at(in(1h), [held] {});
    executor.post([&] {
      ++ran;
      executor.post([&ran] { ++ran; });
    });
  }
  EXPECT_EQ(ran, 2);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(IoExecutor, ATaskThatThrowsDoesNotStopTheNext) {
  IoExecutor executor("rollcall-test");
  bool ran = false;
  executor.post([] { throw std::runtime_error("a planted defect"); });
  executor.post([&ran] { ran = true; });
  executor.stop();
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace rollcall::net
