// What other threads ask of the registry beside its queue, in virtual time.
#include <gmock/gmock.h>

#include <vector>

#include "registry/registry_harness.hpp"

namespace rollcall::testing {
namespace {

using ::testing::ElementsAre;

using RegistryPathsTest = RegistryTest;

// ---- heartbeat_many ----

TEST_F(RegistryPathsTest, ManyHeartbeatsAreAnsweredEachInItsPlace) {
  constexpr std::size_t kMany = 150;  // the table takes them in groups of 64
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kMany; ++i) names.push_back("i" + std::to_string(i));
  for (std::size_t i = 0; i < kMany; i += 2) send(registration(names[i]));
  time_->advance(20s);

  const std::vector<std::string_view> ids(names.begin(), names.end());
  std::vector<BeatResult> results(kMany, BeatResult::stale);
  daemon_->registry->heartbeat_many(ids, results);
  for (std::size_t i = 0; i < kMany; ++i) {
    EXPECT_EQ(results[i], i % 2 == 0 ? BeatResult::ok : BeatResult::unknown) << names[i];
  }

  time_->advance(20s);
  for (std::size_t i = 0; i < kMany; i += 2) EXPECT_TRUE(alive(names[i])) << names[i];
}

TEST_F(RegistryPathsTest, ManyHeartbeatsMeetLeasesThatAreNotSimplyAlive) {
  Register critical = registration("critical");
  critical.spec.lease->deregister_after = 1h;
  Register without_lease = registration("without-lease");
  without_lease.spec.lease.reset();
  Register in_session = registration("in-session", 5min);
  in_session.session = Session("s1");
  ASSERT_TRUE(submit(critical) && submit(without_lease) && submit(in_session));
  time_->advance(31s);
  ASSERT_TRUE(daemon_->catalog.find_instance("critical")->lapsed);

  const std::vector<std::string_view> ids{"critical", "without-lease", "in-session", "in-session"};
  std::vector<BeatResult> results(ids.size());
  daemon_->registry->heartbeat_many(ids, results);
  EXPECT_THAT(results, ElementsAre(BeatResult::undecided, BeatResult::unknown, BeatResult::ok, BeatResult::ok));
}

TEST_F(RegistryPathsTest, ManyHeartbeatsMayBeForOneSourceAlone) {
  Register from_socket = registration("socket");
  from_socket.source = Source::socket;
  ASSERT_TRUE(submit(from_socket) && submit(registration("api")));
  const std::vector<std::string_view> ids{"socket", "api"};
  std::vector<BeatResult> results(ids.size());
  daemon_->registry->heartbeat_many(ids, results, Source::socket);
  EXPECT_THAT(results, ElementsAre(BeatResult::ok, BeatResult::unknown));
  daemon_->registry->heartbeat_many(ids, results);
  EXPECT_THAT(results, ElementsAre(BeatResult::ok, BeatResult::ok));
}

TEST_F(RegistryPathsTest, NoHeartbeatsAreNone) { daemon_->registry->heartbeat_many({}, {}); }

// ---- silence ----

TEST_F(RegistryPathsTest, SilenceGrowsUntilAHeartbeatEndsIt) {
  ASSERT_TRUE(submit(registration("a")));
  time_->advance(12s);
  const auto silence = daemon_->registry->silence("a");
  ASSERT_TRUE(silence);
  EXPECT_EQ(silence->since_last_beat, 12s + 1ms);
  EXPECT_FALSE(silence->unverified);

  EXPECT_EQ(daemon_->registry->heartbeat("a", ""), BeatResult::ok);
  EXPECT_EQ(daemon_->registry->silence("a")->since_last_beat, 0s);
}

TEST_F(RegistryPathsTest, OnlyALeaseHasASilence) {
  Register wanted = registration("a");
  wanted.spec.lease.reset();
  ASSERT_TRUE(submit(wanted));
  EXPECT_FALSE(daemon_->registry->silence("a"));
  EXPECT_FALSE(daemon_->registry->silence("nobody"));
}

TEST_F(RegistryPathsTest, AfterARestartSilenceIsUnverifiedUntilTheNextHeartbeat) {
  ASSERT_TRUE(submit(registration("a")));
  time_->advance(25s);
  restart();
  const auto silence = daemon_->registry->silence("a");
  ASSERT_TRUE(silence);
  EXPECT_TRUE(silence->unverified);
  EXPECT_GE(silence->since_last_beat, 15s) << "marks are at most 10 s old";

  EXPECT_EQ(daemon_->registry->heartbeat("a", ""), BeatResult::ok);
  EXPECT_FALSE(daemon_->registry->silence("a")->unverified);
}

TEST_F(RegistryPathsTest, ALapsedLeaseIsSilentSinceItsLastHeartbeat) {
  Register wanted = registration("a");
  wanted.spec.lease->deregister_after = 1h;
  ASSERT_TRUE(submit(wanted));
  time_->advance(50s);
  ASSERT_TRUE(daemon_->catalog.find_instance("a")->lapsed);
  // It counts as having run out when readers were told, which is a tick or two after its ttl.
  EXPECT_GE(daemon_->registry->silence("a")->since_last_beat, 49s);
  EXPECT_LE(daemon_->registry->silence("a")->since_last_beat, 50s + 1ms);
}

// ---- with_store ----

TEST_F(RegistryPathsTest, WorkOnTheStoreWaitsForTheCommitBeforeIt) {
  daemon_->store_executor.hanging = true;
  const auto first = send(registration("first"));
  time_->advance(0s);
  Revision seen;
  bool told = false;
  daemon_->registry->with_store([&](Store& store) {
    seen = store.snapshot()->revision;
    told = first->has_value();
  });
  const auto second = send(registration("second"));
  EXPECT_FALSE(seen) << "not on the caller's thread";

  daemon_->store_executor.resume();
  time_->advance(1ms);
  ASSERT_TRUE(*first && **first && *second && **second);
  EXPECT_EQ(seen, (**first)->revision) << "after the commit in flight, before the next";
  EXPECT_FALSE(told) << "the commit has ended; that it is applied is the registry's thread's business";
}

TEST_F(RegistryPathsTest, WorkOnTheStoreThatOutlivesTheRegistryStillHasItsStore) {
  daemon_->store_executor.hanging = true;
  bool done = false;
  daemon_->registry->with_store([&](Store& store) { done = store.health().writable; });
  daemon_->registry.reset();
  daemon_->store_executor.resume();
  time_->advance(1ms);
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace rollcall::testing
