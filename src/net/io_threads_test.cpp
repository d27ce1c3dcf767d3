#include "net/io_threads.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <latch>
#include <memory>
#include <string>

namespace rollcall::net {
namespace {

using std::chrono::milliseconds;
constexpr std::chrono::seconds kBound{20};

TEST(IoThreads, EachHasItsNameAndItsOwnThread) {
  IoThreads threads(2, 100);
  threads.start();
  for (std::size_t i = 0; i < threads.size(); ++i) {
    std::promise<std::string> name;
    boost::asio::post(threads.context(i), [&name] {
      std::array<char, 16> text{};
      ::pthread_getname_np(::pthread_self(), text.data(), text.size());
      name.set_value(text.data());
    });
    EXPECT_EQ(name.get_future().get(), "rollcall-io-" + std::to_string(i));
  }
  EXPECT_TRUE(threads.shutdown(kBound));
}

TEST(IoThreads, TheBarrierRunsAfterWhatEachThreadHadQueued) {
  IoThreads threads(3, 100);
  std::atomic<int> before{0};
  for (std::size_t i = 0; i < threads.size(); ++i) boost::asio::post(threads.context(i), [&before] { ++before; });
  std::promise<int> seen;
  threads.after_all_turned([&] { seen.set_value(before.load()); });
  threads.start();
  EXPECT_EQ(seen.get_future().get(), 3);
}

TEST(IoThreads, AThreadThatHangsHoldsTheBarrierBack) {
  IoThreads threads(2, 100);
  threads.start();
  std::latch released(1);
  std::promise<void> hanging;
  boost::asio::post(threads.context(0), [&] {
    hanging.set_value();
    released.wait();
  });
  hanging.get_future().wait();

  std::promise<void> turned;
  auto done = turned.get_future();
  threads.after_all_turned([&turned] { turned.set_value(); });
  // The other thread gets as far as it can.
  std::promise<void> other;
  boost::asio::post(threads.context(1), [&other] { other.set_value(); });
  other.get_future().wait();
  EXPECT_EQ(done.wait_for(milliseconds(50)), std::future_status::timeout);

  released.count_down();
  EXPECT_EQ(done.wait_for(kBound), std::future_status::ready);
}

TEST(IoThreads, ATaskThatThrowsDoesNotEndItsThread) {
  IoThreads threads(1, 100);
  threads.start();
  boost::asio::post(threads.context(0), [] { throw std::runtime_error("a planted defect"); });
  std::promise<void> next;
  boost::asio::post(threads.context(0), [&next] { next.set_value(); });
  EXPECT_EQ(next.get_future().wait_for(kBound), std::future_status::ready);
}

TEST(IoThreads, ShutdownStopsWhatDoesNotEnd) {
  IoThreads threads(1, 100);
  const auto work = boost::asio::make_work_guard(threads.context(0));
  threads.start();
  // A task that waits, and refers to what goes before the threads do.
  auto held = std::make_shared<int>(0);
  boost::asio::steady_timer timer(threads.context(0), std::chrono::hours(1));
  boost::asio::post(threads.context(0), [&timer, held] { timer.async_wait([held](auto) {}); });

  EXPECT_FALSE(threads.shutdown(milliseconds(10)));

  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace rollcall::net
