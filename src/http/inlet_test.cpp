#include "http/inlet.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

namespace rollcall::http {
namespace {

namespace asio = boost::asio;

TEST(Inlet, RunsAllThatHasComeInOneTurnAndInOrder) {
  asio::io_context io(1);
  std::vector<int> ran;
  std::thread([&] {
    for (int i = 0; i < 100; ++i) {
      Inlet::of(io.get_executor()).post(io.get_executor(), [&ran, i] { ran.push_back(i); });
    }
  }).join();

  EXPECT_EQ(io.run(), 1U);

  std::vector<int> all(100);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(ran, all);
}

TEST(Inlet, WhatATaskPostsRunsInALaterTurn) {
  asio::io_context io(1);
  const asio::any_io_executor executor = io.get_executor();
  int ran = 0;
  Inlet::of(executor).post(executor, [&] {
    ++ran;
    Inlet::of(executor).post(executor, [&] { ++ran; });
  });
  EXPECT_EQ(io.run_one(), 1U);
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(io.run(), 1U);
  EXPECT_EQ(ran, 2);
}

TEST(Inlet, ATaskThatThrowsHoldsUpNoOther) {
  asio::io_context io(1);
  const asio::any_io_executor executor = io.get_executor();
  bool other_ran = false;
  Inlet::of(executor).post(executor, [] { throw std::runtime_error("a defect"); });
  Inlet::of(executor).post(executor, [&] { other_ran = true; });
  EXPECT_THROW(io.run(), std::runtime_error);
  EXPECT_TRUE(other_ran);
}

TEST(Inlet, WhatNeverRanDiesWithTheContext) {
  const auto alive = std::make_shared<int>();
  {
    asio::io_context io(1);
    Inlet::of(io.get_executor()).post(io.get_executor(), [alive] {});
    EXPECT_EQ(alive.use_count(), 2);
  }
  EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace rollcall::http
