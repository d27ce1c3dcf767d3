// Where the log no longer reaches back to what an unknown commit has made, the registry takes the state as it is.
#include "registry/registry_harness.hpp"

namespace rollcall::testing {
namespace {

class RegistryStartOverTest : public RegistryTest {
 protected:
  /// The next commit is done, but nobody hears of it until resolve(), when its events are no longer to be had.
  void lose_the_next_commit() {
    daemon_->store.fault = ErrorCode::unknown_outcome;
    daemon_->store.committed_all_the_same = true;
    daemon_->store.reads_fail = true;
  }
  void resolve() {
    daemon_->store.fault.reset();
    daemon_->store.reads_fail = false;
    daemon_->store.history_is_gone = true;
    time_->advance(1s);
    daemon_->store.history_is_gone = false;
  }
};

TEST_F(RegistryStartOverTest, TakesWhatTheLostCommitHasMade) {
  ASSERT_TRUE(submit(registration("kept")));
  ASSERT_TRUE(submit(registration("removed")));
  lose_the_next_commit();
  const auto removal = send(Deregister{InstanceId("removed"), {}, Source::api, {}});
  const auto made = send(registration("made"));
  time_->advance(1ms);
  ASSERT_TRUE(*removal && !**removal && *made && !**made);
  resolve();
  EXPECT_TRUE(alive("kept"));
  EXPECT_FALSE(alive("removed"));
  EXPECT_FALSE(daemon_->registry->silence("removed"));
  EXPECT_TRUE(alive("made"));
  EXPECT_EQ(daemon_->registry->heartbeat("made", ""), BeatResult::ok);
  EXPECT_TRUE(submit(registration("another"))) << "and goes on";
}

TEST_F(RegistryStartOverTest, ANewLifeHasItsWholeTtl) {
  Register wanted = registration("a");
  wanted.session = Session("s1");
  ASSERT_TRUE(submit(wanted));
  time_->advance(25s);
  lose_the_next_commit();
  wanted.session = Session("s2");
  EXPECT_FALSE(submit(wanted));
  resolve();
  EXPECT_EQ(daemon_->catalog.find_instance("a")->session, Session("s2"));
  time_->advance(20s);
  EXPECT_TRUE(alive("a")) << "the beats of the life before are not its own";
  time_->advance(15s);
  EXPECT_FALSE(alive("a"));
}

TEST_F(RegistryStartOverTest, ALapseCountsFromWhenReadersWereTold) {
  Register wanted = registration("a");
  wanted.spec.lease->deregister_after = 20s;
  ASSERT_TRUE(submit(wanted));
  lose_the_next_commit();
  time_->advance(45s);
  ASSERT_FALSE(daemon_->catalog.find_instance("a")->lapsed);
  resolve();
  ASSERT_TRUE(daemon_->catalog.find_instance("a")->lapsed);
  time_->advance(15s);
  EXPECT_TRUE(alive("a"));
  time_->advance(6s);
  EXPECT_FALSE(alive("a"));
}

TEST_F(RegistryStartOverTest, WhoWasHeardOfIsStillVerified) {
  ASSERT_TRUE(submit(registration("a")));
  lose_the_next_commit();
  EXPECT_FALSE(submit(registration("b")));
  resolve();
  ASSERT_TRUE(daemon_->registry->silence("a"));
  EXPECT_FALSE(daemon_->registry->silence("a")->unverified);
  EXPECT_EQ(daemon_->registry->silence("a")->since_last_beat, 1s + 2ms);
}

}  // namespace
}  // namespace rollcall::testing
