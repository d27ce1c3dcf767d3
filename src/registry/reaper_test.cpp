#include "registry/reaper.hpp"

#include <gtest/gtest.h>

#include "registry/lease_clock.hpp"

namespace rollcall {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMany = 1000;

Event registered(std::string id, LeaseTerms terms, bool lapsed = false) {
  Instance instance;
  instance.id = InstanceId(std::move(id));
  instance.spec.lease = terms;
  instance.lapsed = lapsed;
  Event event;
  event.kind = lapsed ? EventKind::status_changed : EventKind::registered;
  event.instance = std::make_shared<const Instance>(std::move(instance));
  return event;
}

class ReaperTest : public testing::Test {
 protected:
  LeaseTable leases_;
  Reaper reaper_{leases_};
};

TEST_F(ReaperTest, SilenceForATtlIsSuspectAndThenJudged) {
  reaper_.follow(registered("a", {30s, 0s}), 0s);
  EXPECT_TRUE(reaper_.look(29s, kMany, 0).empty());
  const auto suspects = reaper_.look(30100ms, kMany, 0);
  ASSERT_EQ(suspects.leases.size(), 1U);
  EXPECT_FALSE(reaper_.next_verdict(0)) << "a suspect isn't judged yet";

  reaper_.judge(suspects, 0);
  const auto verdict = reaper_.next_verdict(0);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(std::get<Expire>(verdict->request).silence, 30100ms);
}

TEST_F(ReaperTest, ABeatReadBeforeTheJudgementSaves) {
  reaper_.follow(registered("a", {30s, 0s}), 0s);
  const auto suspects = reaper_.look(31s, kMany, 0);
  EXPECT_EQ(leases_.beat("a", "", 31s), BeatResult::late);
  reaper_.judge(suspects, 0);
  EXPECT_FALSE(reaper_.next_verdict(0));
  EXPECT_EQ(reaper_.look(61100ms, kMany, 0).leases.size(), 1U) << "and it is watched on";
}

TEST_F(ReaperTest, RequestsThatCameBeforeTheClaimGoFirst) {
  reaper_.follow(registered("a", {30s, 0s}), 0s);
  reaper_.judge(reaper_.look(31s, kMany, 7), 7);
  EXPECT_FALSE(reaper_.next_verdict(6));
  EXPECT_TRUE(reaper_.next_verdict(7));
}

TEST_F(ReaperTest, AVerdictThatWasNotCommittedIsTakenBack) {
  reaper_.follow(registered("a", {30s, 0s}), 0s);
  reaper_.judge(reaper_.look(31s, kMany, 0), 0);
  const auto verdict = reaper_.next_verdict(0);
  reaper_.take_back(*verdict, 32s);
  EXPECT_EQ(leases_.look("a")->state, LeaseState::alive);
  EXPECT_EQ(reaper_.look(33s, kMany, 0).leases.size(), 1U);
}

TEST_F(ReaperTest, ALapsedLeaseIsBuriedAfterItsTerm) {
  reaper_.follow(registered("a", {30s, 60s}), 0s);
  reaper_.judge(reaper_.look(31s, kMany, 0), 0);
  EXPECT_TRUE(reaper_.next_verdict(0));
  reaper_.follow(registered("a", {30s, 60s}, true), 31s);

  (void)reaper_.look(90s, kMany, 0);
  EXPECT_FALSE(reaper_.next_verdict(0));
  (void)reaper_.look(91100ms, kMany, 0);
  const auto verdict = reaper_.next_verdict(0);
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(std::holds_alternative<Bury>(verdict->request));
}

TEST_F(ReaperTest, MaintenanceOfALapsedInstanceDoesNotPutOffItsEnd) {
  reaper_.follow(registered("a", {30s, 60s}), 0s);
  reaper_.judge(reaper_.look(31s, kMany, 0), 0);
  EXPECT_TRUE(reaper_.next_verdict(0));
  reaper_.follow(registered("a", {30s, 60s}, true), 31s);

  reaper_.follow(registered("a", {30s, 60s}, true), 80s);

  (void)reaper_.look(91100ms, kMany, 0);
  EXPECT_TRUE(reaper_.next_verdict(0));
}

TEST_F(ReaperTest, ARenewalVoidsAVerdict) {
  reaper_.follow(registered("a", {30s, 0s}), 0s);
  reaper_.judge(reaper_.look(31s, kMany, 0), 0);
  reaper_.follow(registered("a", {30s, 0s}), 32s);
  reaper_.judge(reaper_.look(63s, kMany, 5), 5);

  EXPECT_FALSE(reaper_.next_verdict(4)) << "the first one is void, the second has to wait";
  EXPECT_TRUE(reaper_.next_verdict(5));
}

TEST_F(ReaperTest, ALookIsBounded) {
  for (int i = 0; i < 100; ++i) reaper_.follow(registered(std::to_string(i), {1s, 0s}), 0s);
  EXPECT_EQ(reaper_.look(2s, 60, 0).leases.size(), 60U);
  EXPECT_EQ(reaper_.look(2s, 60, 0).leases.size(), 40U);
}

TEST_F(ReaperTest, AfterARestartALeaseGetsWhatWasLeft) {
  const auto event = registered("a", {30s, 0s});
  reaper_.adopt(*event.instance, 80s, 100s);
  EXPECT_TRUE(reaper_.look(109s, kMany, 0).empty());
  EXPECT_EQ(reaper_.look(110100ms, kMany, 0).leases.size(), 1U);
}

TEST(LeaseClock, WhoIsHeardOfRightAfterAStallDoesNotGetItOnTop) {
  LeaseClock clock;
  const MonoTime start{1000s};
  clock.start(start, 500s);
  (void)clock.tick(start, 50ms);

  const LeaseTime heard = clock.now(start + 10050ms);
  EXPECT_EQ(clock.tick(start + 10050ms, 50ms), 10s - LeaseClock::kTolerance);
  EXPECT_EQ(heard, clock.now(start + 10050ms)) << "and the clock doesn't go back";
}

TEST(LeaseClock, StandsStillWhileTheProcessDoes) {
  LeaseClock clock;
  const MonoTime start{1000s};
  clock.start(start, 500s);
  EXPECT_EQ(clock.tick(start, 50ms), 0s);
  EXPECT_EQ(clock.tick(start + 60ms, 50ms), 0s) << "a little late is not blind";
  EXPECT_EQ(clock.now(start + 60ms), 500s + 60ms);

  EXPECT_EQ(clock.tick(start + 10110ms, 50ms), 10s - LeaseClock::kTolerance);
  EXPECT_EQ(clock.now(start + 10110ms), 500s + 110ms + LeaseClock::kTolerance);
}

}  // namespace
}  // namespace rollcall
