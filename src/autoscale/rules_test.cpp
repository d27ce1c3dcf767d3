#include "autoscale/rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rollcall::autoscale {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

Sighting seen_with(std::uint32_t replicas, std::optional<double> load) {
  Sighting seen;
  seen.replicated = true;
  seen.replicas = seen.tasks_running = seen.tasks_sampled = replicas;
  seen.scaling = {.min_replicas = 1, .max_replicas = 5};
  seen.load = load;
  seen.no_load_because = "has no metrics yet";
  return seen;
}

Decision decided(const Sighting& seen) { return decide(seen, std::nullopt, {}); }

TEST(AutoscaleRules, AddOneAboveTheThresholdAndTakeOneBelowHalfOfIt) {
  EXPECT_EQ(decided(seen_with(2, 70.1)).replicas, 3U);
  EXPECT_EQ(decided(seen_with(2, 70.0)).replicas, 2U);
  EXPECT_EQ(decided(seen_with(2, 35.0)).replicas, 2U);
  EXPECT_EQ(decided(seen_with(3, 34.9)).replicas, 2U);
  EXPECT_THAT(decided(seen_with(2, 85.25)).evidence, HasSubstr("cpu 85.2 % is above 70.0 %"));
}

TEST(AutoscaleRules, LookAtTheMetricThatTheServiceNames) {
  auto seen = seen_with(2, 60);
  seen.scaling.metric = ScalingMetric::memory;
  seen.scaling.memory_threshold = 50;
  EXPECT_EQ(decided(seen).replicas, 3U);
  EXPECT_THAT(decided(seen).evidence, HasSubstr("memory 60.0 % is above 50.0 %"));
}

TEST(AutoscaleRules, KeepToTheBounds) {
  EXPECT_EQ(decided(seen_with(5, 99)).replicas, 5U);
  EXPECT_EQ(decided(seen_with(1, 0)).replicas, 1U);
  auto seen = seen_with(7, std::nullopt);
  EXPECT_EQ(decided(seen).replicas, 5U) << "whatever the load";
  seen = seen_with(2, std::nullopt);
  seen.scaling.min_replicas = 3;
  EXPECT_EQ(decided(seen).replicas, 3U);
}

TEST(AutoscaleRules, NeverTakeWhatTheOthersCouldNotCarry) {
  // 34.9 % of two are 69.8 % of one: at the next look it would be brought back.
  const auto decision = decided(seen_with(2, 34.9));
  EXPECT_EQ(decision.replicas, 2U);
  EXPECT_THAT(decision.evidence, HasSubstr("too near"));
  EXPECT_EQ(decided(seen_with(2, 31.4)).replicas, 1U);
}

TEST(AutoscaleRules, RefuseToJudgeByPartOfTheTasks) {
  auto seen = seen_with(3, 95);
  seen.tasks_sampled = 2;
  EXPECT_EQ(decided(seen).replicas, 3U);
  EXPECT_THAT(decided(seen).evidence, HasSubstr("2 of 3 tasks were sampled"));
  seen = seen_with(3, 95);
  seen.tasks_running = seen.tasks_sampled = 2;
  EXPECT_THAT(decided(seen).evidence, HasSubstr("2 of 3 tasks run"));
}

TEST(AutoscaleRules, RefuseToJudgeByNothingOrByWhatIsOld) {
  EXPECT_EQ(decided(seen_with(3, std::nullopt)).evidence, "has no metrics yet");
  auto seen = seen_with(3, 95);
  seen.load_age = 181s;
  EXPECT_EQ(decided(seen).replicas, 3U);
}

TEST(AutoscaleRules, RestAfterEachStep) {
  EXPECT_EQ(decide(seen_with(2, 95), 59s, {}).replicas, 2U);
  EXPECT_EQ(decide(seen_with(2, 95), 60s, {}).replicas, 3U);
}

TEST(AutoscaleRules, LeaveAloneWhatIsStoppedOrNoSwarmsOwn) {
  EXPECT_EQ(decided(seen_with(0, 95)).replicas, 0U);
  auto seen = seen_with(2, 95);
  seen.replicated = false;
  EXPECT_EQ(decided(seen).replicas, 2U);
  seen = seen_with(2, 95);
  seen.scaling = {.min_replicas = 4, .max_replicas = 3};
  EXPECT_EQ(decided(seen).replicas, 2U);
}

}  // namespace
}  // namespace rollcall::autoscale
