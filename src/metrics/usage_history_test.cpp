#include "metrics/usage_history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rollcall {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr WallTime kStart{std::chrono::milliseconds{1'700'000'000'000}};
const ServiceName kWeb("web");
const InstanceId kFirst("swarm:1"), kSecond("swarm:2");

UsagePoint at(std::chrono::milliseconds after, double cpu = 0) {
  UsagePoint point{.at = kStart + after, .usage = {}};
  point.usage.cpu_percent = cpu;
  return point;
}

std::vector<double> cpu_since(const UsageHistory& history, std::chrono::milliseconds after,
                              const InstanceId& id = kFirst) {
  std::vector<double> figures;
  for (const auto& instance : history.since(kWeb, kStart + after)) {
    if (instance.id != id) continue;
    for (const auto& point : instance.points) figures.push_back(point.usage.cpu_percent);
  }
  return figures;
}

TEST(UsageHistory, GivesWhatIsNotOlderThanAsked) {
  UsageHistory history({.step = 60s});
  history.add(kWeb, kFirst, at(0s, 1));
  history.add(kWeb, kFirst, at(60s, 2));
  history.add(kWeb, kSecond, at(60s, 3));
  EXPECT_THAT(cpu_since(history, 0s), ElementsAre(1, 2));
  EXPECT_THAT(cpu_since(history, 60s), ElementsAre(2));
  EXPECT_THAT(history.since(kWeb, kStart), SizeIs(2));
  EXPECT_THAT(history.since(kWeb, kStart + 61s), IsEmpty());
  EXPECT_THAT(history.since(ServiceName("other"), kStart), IsEmpty());
  history.add(ServiceName("api"), kFirst, at(60s));
  EXPECT_THAT(history.services(9), ElementsAre(ServiceName("api"), kWeb));
  EXPECT_THAT(history.services(1), SizeIs(1));
}

TEST(UsageHistory, KeepsTheNewestAndThinsOutWhatCameOftenerThanItsStep) {
  UsageHistory history({.step = 60s});
  for (int i = 0; i <= 40; ++i) history.add(kWeb, kFirst, at(3s * i, i));
  EXPECT_THAT(cpu_since(history, 0s), ElementsAre(0, 19, 38, 40));
  history.add(kWeb, kFirst, at(121s, 41));
  EXPECT_THAT(cpu_since(history, 0s), ElementsAre(0, 19, 38, 41));
}

TEST(UsageHistory, ForgetsWhatIsOlderThanItReachesBack) {
  UsageHistory history({.step = 60s, .history = 180s});
  history.add(kWeb, kSecond, at(0s, 9));
  for (int i = 0; i <= 5; ++i) history.add(kWeb, kFirst, at(60s * i, i));
  EXPECT_THAT(cpu_since(history, 0s), ElementsAre(2, 3, 4, 5));
  EXPECT_THAT(cpu_since(history, 0s, kSecond), IsEmpty());
  EXPECT_EQ(history.size(), 1U);
}

TEST(UsageHistory, DropsTheOlderHalfOfEachWhenItIsFull) {
  UsageHistory history({.step = 1s, .history = 3'600s, .history_bytes = 16 * 1024});
  for (int i = 0; i < 1'000; ++i) {
    history.add(kWeb, kFirst, at(1s * i, i));
    history.add(kWeb, kSecond, at(1s * i, i));
    ASSERT_LE(history.bytes(), 16U * 1024);
  }
  EXPECT_GE(cpu_since(history, 0s).size(), 20U);
  EXPECT_EQ(cpu_since(history, 0s).back(), 999);
  EXPECT_EQ(cpu_since(history, 0s, kSecond).back(), 999);
}

TEST(UsageHistory, TakesNoFurtherInstancesThanThereIsRoomFor) {
  UsageHistory history({.step = 1s, .history = 60s, .history_bytes = 16 * 1024});
  for (int i = 0; i < 1'000; ++i) history.add(kWeb, InstanceId(std::to_string(i)), at(0s));
  EXPECT_LE(history.bytes(), 16U * 1024);
  EXPECT_GE(history.size(), 5U);
  history.add(kWeb, kFirst, at(61s));
  EXPECT_EQ(history.size(), 1U) << "those that are too old have made room";
}

TEST(UsageHistory, StartsOverWhenTheClockWasSetBack) {
  UsageHistory history({.step = 60s});
  history.add(kWeb, kFirst, at(0s, 1));
  history.add(kWeb, kFirst, at(600s, 2));
  history.add(kWeb, kFirst, at(60s, 3));
  EXPECT_THAT(cpu_since(history, 0s), ElementsAre(1, 3));
}

TEST(UsageHistory, HearsOfUsageFromEnginesAndOrthancs) {
  Sample sample;
  EXPECT_FALSE(usage_in(sample));
  sample.orthanc.emplace();
  sample.orthanc->cpu_percent = 12.5;
  EXPECT_FALSE(usage_in(sample));
  sample.orthanc->memory_bytes = 1'000;
  EXPECT_EQ(usage_in(sample)->cpu_percent, 12.5);
  EXPECT_EQ(usage_in(sample)->memory_bytes, 1'000U);
  sample.usage.emplace().cpu_percent = 3;
  EXPECT_EQ(usage_in(sample)->cpu_percent, 3);
}

}  // namespace
}  // namespace rollcall
