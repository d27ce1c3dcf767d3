#include "metrics/usage_summary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rollcall {
namespace {

using namespace std::chrono_literals;
using ::testing::Eq;
using ::testing::Optional;
using ::testing::SizeIs;

constexpr WallTime kStart{std::chrono::milliseconds{1'700'000'040'000}};  // where a minute begins

UsagePoint at(std::chrono::milliseconds after, double cpu, std::uint64_t memory) {
  UsagePoint point{.at = kStart + after, .usage = {}};
  point.usage.cpu_percent = cpu;
  point.usage.memory_bytes = memory;
  return point;
}

TEST(UsageSummary, IsTheMeanHighestAndSumOverTheTasksMeans) {
  const std::vector<InstanceUsage> usage{{InstanceId("a"), {at(0s, 10, 100), at(1s, 30, 300)}},
                                         {InstanceId("b"), {at(0s, 100, 1'000)}}};
  const auto summary = summarize(usage);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->mean.cpu_percent, 60);
  EXPECT_EQ(summary->max.cpu_percent, 100);
  EXPECT_EQ(summary->sum.cpu_percent, 120);
  EXPECT_EQ(summary->mean.memory_bytes, 600);
  EXPECT_EQ(summary->max.memory_bytes, 1'000);
  EXPECT_EQ(summary->sum.memory_bytes, 1'200);
  EXPECT_EQ(summary->newest, kStart + 1s);
  ASSERT_THAT(summary->tasks, SizeIs(2));
  EXPECT_EQ(summary->tasks[0].mean.cpu_percent, 20);
  EXPECT_EQ(summary->tasks[0].newest.usage.cpu_percent, 30);
}

TEST(UsageSummary, OfNothingIsNone) {
  EXPECT_FALSE(summarize({}));
  EXPECT_FALSE(summarize(std::vector<InstanceUsage>{{InstanceId("a"), {}}}));
}

TEST(UsageSummary, AddsUpTheNewestCountersOfThoseThatHaveThem) {
  auto first = at(0s, 0, 0), second = at(1s, 0, 0), other = at(1s, 0, 0);
  first.usage.network_rx_bytes = 5;
  second.usage.network_rx_bytes = 7;
  second.usage.block_write_bytes = 3;
  const auto summary =
      summarize(std::vector<InstanceUsage>{{InstanceId("a"), {first, second}}, {InstanceId("b"), {other}}});
  EXPECT_THAT(summary->network_rx_bytes, Optional(7U));
  EXPECT_THAT(summary->network_tx_bytes, Eq(std::nullopt));
  EXPECT_THAT(summary->block_write_bytes, Optional(3U));
}

TEST(UsageSummary, KnowsTheWorkingMemoryOnlyWhereAllDo) {
  auto knows = at(0s, 0, 10), doesnt = at(0s, 0, 10);
  knows.usage.memory_working_bytes = 8;
  const InstanceUsage one{InstanceId("a"), {knows}}, two{InstanceId("b"), {knows}}, three{InstanceId("c"), {doesnt}};
  EXPECT_THAT(summarize(std::vector{one, two})->sum.memory_working_bytes, Optional(16));
  EXPECT_THAT(summarize(std::vector{one, two})->mean.memory_working_bytes, Optional(8));
  EXPECT_THAT(summarize(std::vector{one, three})->sum.memory_working_bytes, Eq(std::nullopt));
  EXPECT_THAT(summarize(std::vector{three, one})->max.memory_working_bytes, Eq(std::nullopt));
}

TEST(UsageSteps, AreMeansOverTheTasksOfEachStep) {
  const std::vector<InstanceUsage> usage{{InstanceId("a"), {at(0s, 10, 100), at(30s, 30, 300), at(60s, 50, 500)}},
                                         {InstanceId("b"), {at(59s, 40, 400), at(180s, 1, 1)}}};
  const auto steps = steps_of(usage, 60s);
  ASSERT_THAT(steps, SizeIs(3));
  EXPECT_EQ(steps[0].at, kStart);
  EXPECT_EQ(steps[0].tasks, 2U);
  EXPECT_EQ(steps[0].cpu_percent, 30);
  EXPECT_EQ(steps[0].memory_bytes, 300);
  EXPECT_EQ(steps[1].at, kStart + 60s);
  EXPECT_EQ(steps[1].cpu_percent, 50);
  EXPECT_EQ(steps[2].at, kStart + 180s);
  EXPECT_EQ(steps[2].tasks, 1U);
}

}  // namespace
}  // namespace rollcall
