// Requests and expiries that meet in one batch, in virtual time. The commit of another instance is held up meanwhile,
// so that the test decides what shares a batch.
#include <gmock/gmock.h>

#include "registry/registry_harness.hpp"

namespace rollcall::testing {
namespace {

using ::testing::ElementsAre;

class BatchTest : public RegistryTest {
 protected:
  /// From here on no commit ends: what is sent after it waits for the next batch.
  void hold_a_commit() {
    daemon_->store_executor.hanging = true;
    send(registration("another"));
    time_->advance(0s);
  }
  void let_it_end() {
    daemon_->store_executor.resume();
    time_->advance(1ms);
  }

  static Register on_port(Register wanted, std::uint16_t port) {
    wanted.spec.port = port;
    return wanted;
  }
  static Register in_session(Register wanted, std::string session) {
    wanted.session = Session(std::move(session));
    return wanted;
  }

  std::vector<EventKind> history_of(std::string_view id) {
    std::vector<EventKind> kinds;
    for (const auto& event : *daemon_->store.read(Revision{}, 1000)) {
      if (event->instance->id.view() == id) kinds.push_back(event->kind);
    }
    return kinds;
  }
};

// ---- what a renewal is answered with ----

TEST_F(BatchTest, ARenewalIsAnsweredWithTheStateBeforeALaterChangeOfItsBatch) {
  const auto first = submit(on_port(registration("a"), 80));
  const auto renewal = send(on_port(registration("a"), 80));
  const auto update = send(on_port(registration("a"), 81));
  time_->advance(1ms);

  ASSERT_TRUE(*renewal && **renewal && *update && **update);
  EXPECT_FALSE((**renewal)->changed);
  EXPECT_EQ((**renewal)->instance->spec.port, 80);
  EXPECT_EQ((**renewal)->revision, first->revision);
  EXPECT_EQ((**update)->instance->spec.port, 81);
}

TEST_F(BatchTest, ARenewalIsAnsweredWithTheChangeOfItsBatchThatCameBeforeIt) {
  ASSERT_TRUE(submit(in_session(registration("a"), "s1")));
  const auto second = send(in_session(registration("a"), "s2"));
  const auto renewal = send(in_session(registration("a"), "s2"));
  const auto third = send(in_session(registration("a"), "s3"));
  time_->advance(1ms);

  ASSERT_TRUE(*second && **second && *renewal && **renewal && *third && **third);
  EXPECT_FALSE((**renewal)->changed);
  EXPECT_EQ((**renewal)->instance->session, Session("s2"));
  EXPECT_EQ((**renewal)->revision, (**second)->revision) << "the one that the commit gave";
  EXPECT_LT((**renewal)->revision, (**third)->revision);
}

// ---- when a renewal counts as a heartbeat ----

TEST_F(BatchTest, ALeaseIsNotClaimedBetweenTheJudgingOfItsRenewalAndTheAnswer) {
  ASSERT_TRUE(submit(registration("a")));
  time_->advance(29s);
  daemon_->store_executor.hanging = true;
  const auto renewal = send(registration("a"));
  const auto other = send(registration("b"));
  time_->advance(5s);
  ASSERT_FALSE(*renewal) << "it shares a batch with a change, whose commit is held up past the end of the lease";

  let_it_end();
  ASSERT_TRUE(*renewal && **renewal);
  time_->advance(10s);
  EXPECT_TRUE(alive("a"));
  EXPECT_EQ(daemon_->registry->heartbeat("a", ""), BeatResult::ok);
}

TEST_F(BatchTest, ARenewalThatWaitedCountsFromWhenItIsJudged) {
  ASSERT_TRUE(submit(registration("a")));
  time_->advance(25s);
  hold_a_commit();
  const auto renewal = send(registration("a"));
  time_->advance(20s);
  let_it_end();
  ASSERT_TRUE(*renewal && **renewal);
  EXPECT_FALSE((**renewal)->changed) << "it came within ttl: the claim is taken back";

  time_->advance(29s);
  EXPECT_TRUE(alive("a"));
  time_->advance(1500ms);
  EXPECT_FALSE(alive("a"));
}

TEST_F(BatchTest, ARenewalCountsThoughTheCommitOfItsBatchFails) {
  ASSERT_TRUE(submit(registration("a")));
  time_->advance(25s);
  daemon_->store.fault = ErrorCode::unavailable;
  const auto renewal = send(registration("a"));
  const auto other = send(registration("b"));
  time_->advance(1ms);
  ASSERT_TRUE(*renewal && *other);
  EXPECT_TRUE(**renewal) << "it asks for nothing that has to be written";
  EXPECT_EQ((**other).error().code, ErrorCode::unavailable);

  daemon_->store.fault.reset();
  time_->advance(29s);
  EXPECT_TRUE(alive("a"));
  time_->advance(1500ms);
  EXPECT_FALSE(alive("a"));
}

TEST_F(BatchTest, ARenewalOfASessionThatNeverCameToBeKeepsNobodyAlive) {
  ASSERT_TRUE(submit(in_session(registration("a"), "s1")));
  time_->advance(25s);
  daemon_->store.fault = ErrorCode::unavailable;
  const auto second = send(in_session(registration("a"), "s2"));
  const auto renewal = send(in_session(registration("a"), "s2"));
  time_->advance(1ms);
  ASSERT_TRUE(*second && *renewal);
  EXPECT_EQ((**second).error().code, ErrorCode::unavailable);
  EXPECT_EQ((**renewal).error().code, ErrorCode::unavailable) << "it rests on the change that failed";

  daemon_->store.fault.reset();
  EXPECT_EQ(daemon_->registry->silence("a")->since_last_beat, 25s + 2ms);
  time_->advance(7s);
  EXPECT_FALSE(alive("a")) << "s1 has been silent for its ttl";
}

TEST_F(BatchTest, ARenewalOfALifeThatBeginsInItsBatchCountsFromTheBeginningOfThatLife) {
  ASSERT_TRUE(submit(in_session(registration("a"), "s1")));
  time_->advance(25s);
  send(in_session(registration("a"), "s2"));
  const auto renewal = send(in_session(registration("a"), "s2"));
  time_->advance(1ms);
  ASSERT_TRUE(*renewal && **renewal);
  EXPECT_EQ(daemon_->registry->silence("a")->since_last_beat, 1ms);
  EXPECT_EQ(daemon_->registry->heartbeat("a", "s2"), BeatResult::ok);
}

TEST_F(BatchTest, ARenewalCountsThoughItRestsOnAChangeOfItsBatchThatIsNoHeartbeat) {
  ASSERT_TRUE(submit(registration("a")));
  time_->advance(25s);
  send(SetMaintenance{.id = InstanceId("a"), .on = true, .reason = "disk swap"});
  const auto renewal = send(registration("a"));
  time_->advance(1ms);
  ASSERT_TRUE(*renewal && **renewal);
  EXPECT_EQ(daemon_->registry->silence("a")->since_last_beat, 1ms);
}

// ---- expiries ----

TEST_F(BatchTest, AnExpiryThatARequestBringsWithItIsCarriedOutOnce) {
  ASSERT_TRUE(submit(registration("a")));
  time_->advance(29s);
  hold_a_commit();
  time_->advance(3s);  // the lease is claimed, and its verdict waits for the commit
  const auto late = send(registration("a"));
  const auto renewal = send(registration("a"));
  let_it_end();

  ASSERT_TRUE(*late && **late && *renewal && **renewal);
  EXPECT_TRUE((**late)->created) << "it came too late to save the old life";
  EXPECT_FALSE((**renewal)->changed);
  time_->advance(1s);
  EXPECT_TRUE(alive("a"));
  EXPECT_THAT(history_of("a"), ElementsAre(EventKind::registered, EventKind::removed, EventKind::registered));
  EXPECT_EQ(daemon_->registry->stats().expired, 1U);
}

class BurialTest : public BatchTest {
 protected:
  /// Lapsed for a minute: the burial waits for the commit that is held up.
  void wait_for_burial() {
    Register wanted = registration("a");
    wanted.spec.lease->deregister_after = 60s;
    ASSERT_TRUE(submit(wanted));
    time_->advance(89s);
    ASSERT_TRUE(daemon_->catalog.find_instance("a")->lapsed);
    hold_a_commit();
    time_->advance(3s);
  }
};

TEST_F(BurialTest, AChangeInItsBatchThatMendsNothingDoesNotPutItOff) {
  wait_for_burial();
  const auto maintenance = send(SetMaintenance{.id = InstanceId("a"), .on = true, .reason = "disk swap"});
  let_it_end();
  EXPECT_TRUE(*maintenance && **maintenance);
  EXPECT_FALSE(alive("a"));
  EXPECT_THAT(history_of("a"), ElementsAre(EventKind::registered, EventKind::status_changed, EventKind::status_changed,
                                           EventKind::removed));
}

TEST_F(BurialTest, AHeartbeatInItsBatchPreventsIt) {
  wait_for_burial();
  const auto beat = send(Beat{InstanceId("a"), Session()});
  let_it_end();
  ASSERT_TRUE(*beat && **beat);
  time_->advance(29s);
  ASSERT_TRUE(alive("a"));
  EXPECT_FALSE(daemon_->catalog.find_instance("a")->lapsed);
}

}  // namespace
}  // namespace rollcall::testing
