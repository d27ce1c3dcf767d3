// The registry's queue, leases and recovery, in virtual time.
#include <gmock/gmock.h>

#include "registry/registry_harness.hpp"

namespace rollcall::testing {
namespace {

using ::testing::HasSubstr;

TEST_F(RegistryTest, AnAnswerMeansAppliedAndDurable) {
  const auto outcome = submit(registration("a"));
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->created);
  EXPECT_EQ(daemon_->catalog.find_instance("a")->modified, outcome->revision);
  restart();
  EXPECT_TRUE(alive("a"));
}

TEST_F(RegistryTest, SilenceRemovesInTimeAndHeartbeatsDoNot) {
  ASSERT_TRUE(submit(registration("silent")));
  ASSERT_TRUE(submit(registration("beating")));
  for (int i = 0; i < 6; ++i) {
    time_->advance(5s);
    EXPECT_EQ(daemon_->registry->heartbeat("beating", ""), BeatResult::ok);
  }
  EXPECT_TRUE(alive("silent") && alive("beating"));
  time_->advance(500ms);
  EXPECT_FALSE(alive("silent"));
  EXPECT_TRUE(alive("beating"));
  EXPECT_EQ(daemon_->registry->heartbeat("silent", ""), BeatResult::unknown);
}

TEST_F(RegistryTest, NothingIsJudgedBeforeTheIoThreadsHaveTurned) {
  ASSERT_TRUE(submit(registration("a")));
  daemon_->turns.hanging = true;
  time_->advance(40s);
  EXPECT_TRUE(alive("a"));
  EXPECT_EQ(daemon_->registry->heartbeat("a", ""), BeatResult::ok) << "it lay unread in a socket";
  daemon_->turns.turn();
  time_->advance(1s);
  EXPECT_TRUE(alive("a"));
}

TEST_F(RegistryTest, TimeInWhichTheProcessStoodIsGivenBack) {
  ASSERT_TRUE(submit(registration("a")));
  time_->advance(20s);
  time_->jump(60s);
  time_->advance(9s);
  EXPECT_TRUE(alive("a"));
  time_->advance(2s);
  EXPECT_FALSE(alive("a"));
}

TEST_F(RegistryTest, ARestartGivesWhatWasLeftAndNotAFreshTtl) {
  ASSERT_TRUE(submit(registration("a")));
  time_->advance(25s);
  restart();
  EXPECT_TRUE(daemon_->registry->silence("a")->unverified);
  time_->advance(4s);
  EXPECT_TRUE(alive("a"));
  time_->advance(12s);  // at most the interval between marks is given back
  EXPECT_FALSE(alive("a"));
}

TEST_F(RegistryTest, ARenewalThatCameInTimeSavesThoughItWaits) {
  ASSERT_TRUE(submit(registration("a")));
  time_->advance(29s);
  std::optional<Result<Outcome>> renewal;
  daemon_->registry->submit(registration("a"), [&](Result<Outcome> given) { renewal = std::move(given); });
  time_->jump(2s);  // the process stood before it could look at the queue
  time_->advance(100ms);
  ASSERT_TRUE(renewal && *renewal) << (*renewal).error().message;
  EXPECT_FALSE((*renewal)->changed);
  EXPECT_TRUE(alive("a"));
}

TEST_F(RegistryTest, AHeartbeatThatMeetsAnExpiringLeaseIsAnsweredByItsCommit) {
  ASSERT_TRUE(submit(registration("a")));
  daemon_->store.fault = ErrorCode::unavailable;
  std::optional<BeatResult> met;
  for (int i = 0; i < 700 && met != BeatResult::undecided; ++i) {
    time_->advance(50ms);
    if (i > 610) met = daemon_->registry->heartbeat("a", "");
  }
  // The claim is taken back when its commit fails, so a heartbeat finds the lease alive again or undecided.
  EXPECT_TRUE(alive("a"));
  daemon_->store.fault.reset();
  const auto outcome = submit(Beat{InstanceId("a"), Session()});
  EXPECT_TRUE(outcome) << outcome.error().message;
}

TEST_F(RegistryTest, AStoreThatCannotWriteRefusesAndRecoversByItself) {
  ASSERT_TRUE(submit(registration("a")));
  daemon_->store.fault = ErrorCode::unavailable;
  EXPECT_EQ(submit(registration("b")).error().code, ErrorCode::unavailable);
  std::string detail;
  EXPECT_FALSE(daemon_->registry->writable(&detail));
  EXPECT_EQ(detail, "as told");
  EXPECT_EQ(daemon_->registry->heartbeat("a", ""), BeatResult::ok) << "heartbeats go on";

  daemon_->store.fault.reset();
  time_->advance(2s);
  EXPECT_TRUE(daemon_->registry->writable()) << "without a write of anybody's";
  EXPECT_TRUE(submit(registration("b")));
}

TEST_F(RegistryTest, AnUnknownOutcomeIsReadBeforeTheNextBatch) {
  daemon_->store.fault = ErrorCode::unknown_outcome;
  daemon_->store.committed_all_the_same = true;
  daemon_->store.reads_fail = true;
  EXPECT_EQ(submit(registration("a")).error().code, ErrorCode::unknown_outcome);
  EXPECT_FALSE(alive("a"));

  daemon_->store.fault.reset();
  EXPECT_EQ(submit(registration("b")).error().code, ErrorCode::timeout) << "waits for the log to tell";
  daemon_->store.reads_fail = false;
  time_->advance(1s);
  EXPECT_TRUE(alive("a"));
  EXPECT_TRUE(alive("b"));
}

TEST_F(RegistryTest, NobodyWaitsLongForALogThatCannotTell) {
  daemon_->store.fault = ErrorCode::unknown_outcome;
  daemon_->store.reads_fail = true;
  EXPECT_EQ(submit(registration("a")).error().code, ErrorCode::unknown_outcome);
  daemon_->store.fault.reset();
  for (const std::string id : {"b", "c"}) {
    const auto answer = send(registration(id));
    time_->advance(1s);
    ASSERT_TRUE(*answer);
    EXPECT_EQ((**answer).error().code, ErrorCode::unavailable) << "and surely not done";
  }
  EXPECT_EQ(daemon_->registry->stats().queued, 0U);
  daemon_->store.reads_fail = false;
  time_->advance(1s);
  EXPECT_TRUE(submit(registration("d")));
  EXPECT_FALSE(alive("b"));
}

TEST_F(RegistryTest, ManyWritesShareCommitsAndTheQueueIsBounded) {
  daemon_->limits.registry.queued_commands = 1;  // the queue took its bound when it was made
  int answered = 0;
  for (int i = 0; i < 5000; ++i) {
    daemon_->registry->submit(registration("i" + std::to_string(i)), [&](const Result<Outcome>& given) {
      EXPECT_TRUE(given);
      ++answered;
    });
  }
  time_->advance(10ms);
  EXPECT_EQ(answered, 5000);
  EXPECT_LE(daemon_->registry->stats().commits, 12U);
}

TEST_F(RegistryTest, TwoRequestsForOneIdInOneBatchSeeEachOther) {
  std::vector<Result<Outcome>> outcomes;
  const auto collect = [&](Result<Outcome> given) { outcomes.push_back(std::move(given)); };
  daemon_->registry->submit(registration("a"), collect);
  daemon_->registry->submit(Deregister{.id = InstanceId("a"), .session = {}, .cause = {}}, collect);
  daemon_->registry->submit(Deregister{.id = InstanceId("a"), .session = {}, .cause = {}}, collect);
  time_->advance(1ms);
  ASSERT_EQ(outcomes.size(), 3U);
  EXPECT_TRUE(outcomes[0] && outcomes[1]);
  EXPECT_EQ(outcomes[2].error().code, ErrorCode::not_found);
  EXPECT_LT(outcomes[0]->revision, outcomes[1]->revision);
  EXPECT_FALSE(alive("a"));
}

TEST_F(RegistryTest, DrainAnswersWhatWaitsAndRefusesWhatComes) {
  std::optional<Result<Outcome>> early;
  std::optional<Result<Outcome>> late;
  bool drained = false;
  daemon_->registry->submit(registration("a"), [&](Result<Outcome> given) { early = std::move(given); });
  daemon_->registry->drain([&] { drained = true; });
  time_->advance(1ms);
  daemon_->registry->submit(registration("b"), [&](Result<Outcome> given) { late = std::move(given); });
  time_->advance(1ms);
  EXPECT_TRUE(drained);
  EXPECT_TRUE(early && *early);
  ASSERT_TRUE(late);
  EXPECT_THAT(late->error().message, HasSubstr("stopping"));
}

TEST_F(RegistryTest, AHundredThousandExpiriesAreBoundedPieces) {
  constexpr int kMany = 20'000;
  for (int i = 0; i < kMany; ++i) {
    daemon_->registry->submit(registration("i" + std::to_string(i), 1s), [](const Result<Outcome>&) {});
  }
  time_->advance(100ms);
  const auto commits = daemon_->registry->stats().commits;
  time_->advance(3s);
  EXPECT_EQ(daemon_->registry->stats().expired, static_cast<std::uint64_t>(kMany));
  EXPECT_GE(daemon_->registry->stats().commits - commits, kMany / daemon_->limits.registry.expiries_per_commit);
}

}  // namespace
}  // namespace rollcall::testing
