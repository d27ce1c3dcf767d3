// Two nodes on one log: what one writes comes to the other, which writes nothing.
#include "conformance/values.hpp"
#include "registry/registry_harness.hpp"

namespace rollcall::testing {
namespace {

class FollowTest : public RegistryTest {
 protected:
  FollowTest() { time_->advance(0s); }

  /// At the other node.
  void register_there(std::string id) {
    other_.registry->submit(registration(std::move(id)), [](const Result<Outcome>& given) { EXPECT_TRUE(given); });
    time_->advance(1ms);
  }

  Catalog& catalog() { return daemon_->catalog; }
  int reads() { return daemon_->store.reads; }
  std::uint64_t changes() { return daemon_->registry->stats().changes; }

  Daemon other_{*time_, log_};
};

TEST_F(FollowTest, ARegistrationIsInTheOthersCatalogToo) {
  register_there("a");
  EXPECT_TRUE(alive("a"));
  EXPECT_EQ(catalog().revision(), Revision{1});
  EXPECT_EQ(daemon_->registry->heartbeat("a", ""), BeatResult::ok);
  EXPECT_EQ(reads(), 1);
  EXPECT_EQ(daemon_->registry->stats().commits, 0U);
}

TEST_F(FollowTest, WatchersHearOfIt) {
  int woken = 0;
  Watcher watcher(catalog(), ServiceName("billing"), Revision{}, [&] { ++woken; });
  ASSERT_TRUE(watcher.next(10)->empty());
  register_there("a");
  EXPECT_EQ(woken, 1);
  const auto heard = watcher.next(10);
  ASSERT_TRUE(heard);
  ASSERT_EQ(heard->size(), 1U);
  EXPECT_EQ(heard->front()->event->instance->id.view(), "a");
}

TEST_F(FollowTest, WhatWasWrittenBetweenLoadAndStartIsNotMissed) {
  Daemon third(*time_, log_);
  ASSERT_TRUE(other_.store.commit(batch({}, {registering(full_instance("a"))})));
  time_->advance(1ms);
  EXPECT_TRUE(third.catalog.find_instance("a"));
}

TEST_F(FollowTest, OwnCommitsAreNotRead) {
  ASSERT_TRUE(submit(registration("a")));
  daemon_->store.grown(Revision{1});  // as an engine may that hears its own commits
  time_->advance(10s);
  EXPECT_EQ(reads(), 0);
}

TEST_F(FollowTest, WhatACommitBringsIsNotReadAgain) {
  daemon_->store_executor.hanging = true;
  const auto answer = send(registration("b"));
  time_->advance(1ms);
  register_there("a");
  daemon_->store_executor.resume();
  time_->advance(1s);
  ASSERT_TRUE(*answer && **answer);
  EXPECT_TRUE(alive("a"));
  EXPECT_EQ(changes(), 2U);
  EXPECT_EQ(reads(), 0);
}

TEST_F(FollowTest, WritesWaitForAReadAndNothingIsAppliedTwice) {
  daemon_->store_executor.hanging = true;
  register_there("a");
  const auto answer = send(registration("b"));
  register_there("c");
  daemon_->store_executor.resume();
  time_->advance(1s);
  ASSERT_TRUE(*answer && **answer);
  EXPECT_EQ(catalog().revision(), Revision{3});
  EXPECT_EQ(changes(), 3U);
  EXPECT_EQ(reads(), 1) << "it brings c as well";
}

TEST_F(FollowTest, WhatIsWrittenDuringAReadIsReadAfterwards) {
  register_there("a");
  daemon_->store_executor.hanging = true;
  register_there("b");
  daemon_->executor.hanging = true;  // what was read is on its way
  daemon_->store_executor.resume();
  time_->advance(1ms);
  register_there("c");
  daemon_->executor.resume();
  time_->advance(1ms);
  EXPECT_TRUE(alive("b"));
  EXPECT_TRUE(alive("c"));
  EXPECT_EQ(changes(), 3U);
  EXPECT_EQ(reads(), 3);
}

TEST_F(FollowTest, AReadThatFailsIsTriedAgainAndWritesGoOn) {
  daemon_->store.reads_fail = true;
  register_there("a");
  time_->advance(900ms);
  EXPECT_FALSE(alive("a"));
  EXPECT_EQ(reads(), 5);
  EXPECT_TRUE(submit(registration("b")));
  EXPECT_TRUE(alive("a")) << "the commit has brought it";
  time_->advance(10s);
  EXPECT_EQ(reads(), 5);

  register_there("c");
  daemon_->store.reads_fail = false;
  time_->advance(200ms);
  EXPECT_TRUE(alive("c"));
  EXPECT_EQ(changes(), 3U);
}

TEST_F(FollowTest, WhereTheLogReachesBackNoFurtherTheStateIsTaken) {
  ASSERT_TRUE(submit(registration("removed")));
  daemon_->store.history_is_gone = true;
  register_there("a");
  other_.registry->submit(Deregister{InstanceId("removed"), {}, Source::api, {}}, [](const auto&) {});
  time_->advance(1ms);
  EXPECT_TRUE(alive("a"));
  EXPECT_FALSE(alive("removed"));
  EXPECT_EQ(daemon_->registry->heartbeat("a", ""), BeatResult::ok);
}

TEST_F(FollowTest, GrowthThatIsNotThereIsLookedForOnce) {
  daemon_->store.grown(Revision{100});
  time_->advance(10s);
  EXPECT_EQ(reads(), 1);
}

TEST_F(FollowTest, AfterACommitWithoutAnAnswerThereIsOneReadAtATime) {
  daemon_->store.fault = ErrorCode::unknown_outcome;
  daemon_->store.committed_all_the_same = true;
  daemon_->store.reads_fail = true;
  const auto lost = send(registration("a"));
  time_->advance(1ms);
  ASSERT_TRUE(*lost && !**lost);
  register_there("b");
  time_->advance(900ms);
  EXPECT_EQ(reads(), 5);
  daemon_->store.fault.reset();
  daemon_->store.reads_fail = false;
  time_->advance(1s);
  EXPECT_TRUE(alive("a"));
  EXPECT_TRUE(alive("b"));
  EXPECT_EQ(changes(), 2U);
  EXPECT_EQ(reads(), 6);
}

TEST_F(FollowTest, TheEndWaitsForAReadAndBeginsNoOther) {
  daemon_->store_executor.hanging = true;
  register_there("a");
  bool drained = false;
  daemon_->registry->drain([&] { drained = true; });
  time_->advance(1ms);
  EXPECT_FALSE(drained);
  daemon_->store_executor.resume();
  time_->advance(1ms);
  EXPECT_TRUE(drained);
  EXPECT_TRUE(alive("a"));
  register_there("b");
  EXPECT_EQ(reads(), 1);
}

TEST_F(FollowTest, ARegistryThatHasGoneIsToldNothing) {
  daemon_->registry.reset();
  register_there("a");
  EXPECT_EQ(reads(), 0);
}

}  // namespace
}  // namespace rollcall::testing
