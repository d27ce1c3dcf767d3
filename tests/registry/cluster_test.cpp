// Nodes that share a log: who is heard of by one isn't ended by another.
#include "registry/registry_harness.hpp"

namespace rollcall::testing {
namespace {

class ClusterTest : public ::testing::Test {
 protected:
  ClusterTest() {
    a_.emplace(time_, log_, "a");
    b_.emplace(time_, log_, "b");
    time_.advance(3s);
  }

  void register_at(Daemon& node, std::string id, std::chrono::milliseconds ttl = 10s,
                   std::chrono::milliseconds deregister_after = 0ms) {
    Register wanted;
    wanted.id = InstanceId(std::move(id));
    wanted.spec.service = ServiceName("billing");
    wanted.spec.address = "127.0.0.1";
    wanted.spec.lease = LeaseTerms{ttl, deregister_after};
    node.registry->submit(std::move(wanted), [](const Result<Outcome>& given) { EXPECT_TRUE(given); });
    time_.advance(10ms);
  }

  static bool knows(Daemon& node, std::string_view id) { return node.catalog.find_instance(id) != nullptr; }
  static BeatResult beat(Daemon& node, std::string_view id) { return node.registry->heartbeat(id, {}); }

  /// Beats at `node` every 2 s.
  void beat_on(Daemon& node, std::string_view id, std::chrono::seconds duration) {
    for (auto left = duration; left > 0s; left -= 2s) {
      EXPECT_EQ(beat(node, id), BeatResult::ok);
      time_.advance(2s);
    }
  }

  static bool is_reaper(Daemon& node) {
    const auto offices = node.registry->cluster()->offices;
    return std::ranges::find(offices, kReaperOffice) != offices.end();
  }

  /// As kill -9 would: the process is gone, and the server has noticed.
  void kill(Daemon& node) {
    node.executor.hanging = node.store_executor.hanging = node.cluster_executor.hanging = true;
    end_session(*log_, node.membership->self());
  }

  VirtualTime time_;
  std::shared_ptr<MemoryLog> log_ = make_memory_log();
  std::optional<Daemon> a_, b_;
};

TEST_F(ClusterTest, OneOfThemIsTheReaper) {
  EXPECT_TRUE(is_reaper(*a_));
  EXPECT_FALSE(is_reaper(*b_));
  const auto view = b_->registry->cluster();
  ASSERT_EQ(view->nodes.size(), 2U);
  EXPECT_NE(view->nodes[0].is_self, view->nodes[1].is_self);
}

TEST_F(ClusterTest, WhoBeatsAtTheOtherNodeLives) {
  register_at(*a_, "x");
  beat_on(*b_, "x", 60s);
  EXPECT_TRUE(knows(*a_, "x"));
  EXPECT_LT(a_->registry->silence("x")->since_last_beat, 5s);
}

TEST_F(ClusterTest, WhoBeatsAtEitherInTurnLives) {
  register_at(*a_, "x", 3s);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(beat(i % 2 == 0 ? *a_ : *b_, "x"), BeatResult::ok);
    time_.advance(2s);
  }
  EXPECT_TRUE(knows(*a_, "x"));
}

TEST_F(ClusterTest, WhoFallsSilentGoesSoonAfterItsTtl) {
  register_at(*b_, "x");
  beat_on(*b_, "x", 20s);
  time_.advance(7900ms);
  EXPECT_TRUE(knows(*a_, "x"));
  time_.advance(5s);
  EXPECT_FALSE(knows(*a_, "x"));
  EXPECT_FALSE(knows(*b_, "x"));
  EXPECT_EQ(a_->registry->stats().expired, 1U);
}

TEST_F(ClusterTest, ABeatIsToldThoughAnOlderEventIsAppliedAfterIt) {
  register_at(*a_, "x");
  b_->store_executor.hanging = true;
  Register otherwise;
  otherwise.id = InstanceId("x");
  otherwise.spec = a_->catalog.find_instance("x")->spec;
  otherwise.spec.weight = 7;
  a_->registry->submit(otherwise, [](const Result<Outcome>& given) { EXPECT_TRUE(given); });
  time_.advance(6s);
  EXPECT_EQ(beat(*b_, "x"), BeatResult::ok);
  b_->store_executor.resume();
  time_.advance(3s);
  EXPECT_EQ(b_->catalog.find_instance("x")->spec.weight, 7U);
  EXPECT_LT(a_->registry->silence("x")->since_last_beat, 4s);
}

TEST_F(ClusterTest, ABeatIsToldThoughAnOlderOneOfAnotherNodeIsReadAfterIt) {
  register_at(*a_, "x");
  b_->cluster_executor.hanging = true;
  time_.advance(2s);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(beat(*a_, "x"), BeatResult::ok);
    time_.advance(100ms);
  }
  b_->executor.hanging = true;  // the answer lies there unread
  b_->cluster_executor.resume();
  time_.advance(4s);
  EXPECT_EQ(beat(*b_, "x"), BeatResult::ok);
  time_.advance(1s);
  b_->executor.resume();
  time_.advance(2s);
  EXPECT_LT(a_->registry->silence("x")->since_last_beat, 4s);
}

TEST_F(ClusterTest, NobodyIsJudgedWhileANodeSaysNothing) {
  register_at(*b_, "x");
  b_->cluster_executor.hanging = true;
  beat_on(*b_, "x", 8s);
  time_.advance(1s);
  EXPECT_TRUE(knows(*a_, "x"));
  b_->cluster_executor.resume();
  beat_on(*b_, "x", 20s);
  EXPECT_TRUE(knows(*a_, "x"));
}

TEST_F(ClusterTest, AFencedNodesInstancesHaveATtlToFindAnother) {
  register_at(*b_, "x");
  b_->cluster_executor.hanging = true;
  beat_on(*b_, "x", 10s);
  EXPECT_FALSE(b_->registry->in_touch());
  time_.advance(2s);  // by now it has been fenced
  EXPECT_EQ(a_->registry->cluster()->nodes.size(), 1U);
  time_.advance(7s);
  EXPECT_TRUE(knows(*a_, "x"));
  EXPECT_EQ(beat(*a_, "x"), BeatResult::late);
  time_.advance(9s);
  EXPECT_TRUE(knows(*a_, "x"));
  time_.advance(5s);
  EXPECT_FALSE(knows(*a_, "x"));
}

TEST_F(ClusterTest, WhoWasFencedJoinsAgainAndTellsWhatItHeard) {
  register_at(*b_, "x", 60s);
  b_->cluster_executor.hanging = true;
  time_.advance(15s);
  EXPECT_EQ(a_->registry->cluster()->nodes.size(), 1U);
  EXPECT_EQ(beat(*b_, "x"), BeatResult::ok);
  b_->cluster_executor.resume();
  time_.advance(4s);
  EXPECT_EQ(a_->registry->cluster()->nodes.size(), 2U);
  EXPECT_TRUE(b_->registry->in_touch());
  EXPECT_LT(a_->registry->silence("x")->since_last_beat, 6s);
}

TEST_F(ClusterTest, TheOfficePassesOnWhenTheReaperDies) {
  register_at(*a_, "x");
  register_at(*b_, "y");
  kill(*a_);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(beat(*b_, "y"), BeatResult::ok);
    time_.advance(2s);
    if (i == 1) EXPECT_TRUE(is_reaper(*b_));
    if (i == 8) EXPECT_TRUE(knows(*b_, "x")) << "it may have been heard of by who died: 10 s, and a ttl";
  }
  EXPECT_FALSE(knows(*b_, "x"));
  EXPECT_TRUE(knows(*b_, "y"));
}

TEST_F(ClusterTest, WhoLeavesTellsFirst) {
  register_at(*b_, "x");
  beat_on(*b_, "x", 6s);
  bool left = false;
  b_->registry->drain([&] { left = true; });
  time_.advance(1s);
  EXPECT_TRUE(left);
  EXPECT_FALSE(b_->registry->in_touch()) << "it tells nobody any more";
  EXPECT_EQ(a_->registry->cluster()->nodes.size(), 1U);
  EXPECT_LT(a_->registry->silence("x")->since_last_beat, 5s);
}

TEST_F(ClusterTest, AReaperThatWasAloneDoesNotJudgeWhileItCannotKnowWhoHasJoined) {
  b_->registry->drain([] {});
  time_.advance(2s);
  register_at(*a_, "x");
  a_->cluster_executor.hanging = true;
  Daemon c(time_, log_, "c");
  time_.advance(1s);
  EXPECT_TRUE(c.registry->in_touch());
  beat_on(c, "x", 20s);
  EXPECT_TRUE(knows(*a_, "x"));
  a_->cluster_executor.resume();
  beat_on(c, "x", 20s);
  EXPECT_TRUE(knows(*a_, "x"));
}

TEST_F(ClusterTest, AVerdictOfAnEarlierTermIsNotCarriedOut) {
  register_at(*a_, "x");
  time_.advance(9s);
  a_->store_executor.hanging = true;  // its verdict waits there
  time_.advance(5s);
  EXPECT_TRUE(knows(*b_, "x"));
  a_->cluster_executor.hanging = true;
  end_session(*log_, a_->membership->self());
  time_.advance(2s);
  EXPECT_TRUE(is_reaper(*b_));
  EXPECT_EQ(beat(*b_, "x"), BeatResult::late);
  a_->store_executor.resume();
  time_.advance(1s);
  EXPECT_TRUE(knows(*b_, "x"));
  EXPECT_EQ(a_->registry->stats().conflicts, 0U) << "those are of requests";
}

TEST_F(ClusterTest, ALapsedInstanceIsRevivedByTheOtherNode) {
  register_at(*a_, "x", 3s, 60s);
  time_.advance(8s);
  ASSERT_TRUE(b_->catalog.find_instance("x")->lapsed);
  EXPECT_EQ(beat(*b_, "x"), BeatResult::undecided);
  bool revived = false;
  b_->registry->submit(Beat{InstanceId("x"), {}}, [&](const Result<Outcome>& done) { revived = done.has_value(); });
  time_.advance(100ms);
  EXPECT_TRUE(revived);
  EXPECT_FALSE(a_->catalog.find_instance("x")->lapsed);
}

TEST_F(ClusterTest, AStoppedReapersTimeIsGivenBack) {
  register_at(*a_, "x");
  time_.advance(5s);
  time_.jump(30s);  // both were stopped
  time_.advance(1s);
  EXPECT_TRUE(knows(*a_, "x"));
}

TEST_F(ClusterTest, DigestsGoWhenTheyAreWrittenDown) {
  register_at(*b_, "x");
  beat_on(*b_, "x", 60s);
  const auto late = make_memory_membership(log_, NodeId{1});
  EXPECT_LT(late->join({"late", {}, {}}, {})->digests.size(), 30U);
}

TEST_F(ClusterTest, ANodeAloneGoesOnWhereItLeftOff) {
  register_at(*b_, "x", 30s);
  time_.advance(20s);
  for (auto* node : {&*a_, &*b_}) {
    node->registry->drain([] {});
    time_.advance(2s);
  }
  Daemon again(time_, log_, "c");
  time_.advance(7s);
  EXPECT_TRUE(knows(again, "x"));
  time_.advance(5s);
  EXPECT_FALSE(knows(again, "x")) << "it had 8 s left";
}

TEST_F(ClusterTest, WhatTheLogHoldsNowIsHere) {
  register_at(*a_, "x");
  EXPECT_LE(b_->registry->lag(), 1100ms);
  b_->store_executor.hanging = true;
  register_at(*a_, "y");
  bool done = false;
  b_->registry->catch_up([&](const Result<void>& result) { done = result.has_value(); });
  time_.advance(500ms);
  EXPECT_FALSE(done);
  EXPECT_FALSE(knows(*b_, "y"));
  b_->store_executor.resume();
  time_.advance(10ms);
  EXPECT_TRUE(done);
  EXPECT_TRUE(knows(*b_, "y"));
  EXPECT_LE(b_->registry->lag(), 1100ms);
}

TEST_F(ClusterTest, WhatAnotherNodeHasJustWrittenIsMet) {
  register_at(*a_, "there");
  b_->store_executor.hanging = true;  // it hasn't read what follows when it is asked
  register_at(*a_, "new");
  a_->registry->submit(Deregister{InstanceId("there"), {}, Source::api, {}},
                       [](const auto& done) { EXPECT_TRUE(done); });
  time_.advance(10ms);
  EXPECT_EQ(beat(*b_, "new"), BeatResult::undecided);
  std::map<std::string, std::optional<Result<Outcome>>> told;
  const auto ask = [&](const std::string& what, Command command) {
    b_->registry->submit(std::move(command), [&told, what](Result<Outcome> done) { told[what] = std::move(done); });
  };
  Register same;
  same.id = InstanceId("there");
  same.spec = b_->catalog.find_instance("there")->spec;
  ask("beat", Beat{InstanceId("new"), {}});
  ask("beat of nobody", Beat{InstanceId("nobody"), {}});
  ask("renewal", same);
  ask("maintenance", SetMaintenance{InstanceId("new"), true, "soon"});
  time_.advance(10ms);
  EXPECT_TRUE(told.empty());
  b_->store_executor.resume();
  time_.advance(10ms);
  ASSERT_EQ(told.size(), 4U);
  EXPECT_TRUE(*told["beat"]);
  EXPECT_EQ((*told["beat of nobody"]).error().code, ErrorCode::not_found);
  EXPECT_TRUE(*told["maintenance"]);
  ASSERT_TRUE(*told["renewal"]);
  EXPECT_TRUE((*told["renewal"])->created) << "it had been removed";
  EXPECT_TRUE(knows(*a_, "there"));
}

TEST_F(ClusterTest, WhoWaitedForABatchDoesNotWaitAsLongAgainInItsOwn) {
  register_at(*a_, "x");
  b_->store_executor.hanging = true;
  std::vector<ErrorCode> told;
  const auto note = [&](const auto& result) { told.push_back(result ? ErrorCode::internal : result.error().code); };
  b_->registry->submit(SetMaintenance{InstanceId("x"), true, "first"}, note);
  time_.advance(600ms);
  b_->registry->submit(SetMaintenance{InstanceId("x"), false, {}}, note);
  time_.advance(100ms);
  b_->store_executor.resume();
  b_->store.before_commit = [&] { b_->store_executor.hanging = true; };
  time_.advance(1ms);
  b_->store_executor.hanging = true;
  time_.advance(850ms);
  EXPECT_EQ(told.size(), 2U);
  b_->store.before_commit = nullptr;
  b_->store_executor.resume();
  time_.advance(1s);
}

TEST_F(ClusterTest, ARenewalAfterItsTtlIsAnEvent) {
  register_at(*a_, "x", 3s);
  const auto before = b_->catalog.revision();
  time_.advance(3100ms);  // the reaper hasn't heard from b up to here
  ASSERT_TRUE(knows(*b_, "x"));
  Register same;
  same.id = InstanceId("x");
  same.spec = b_->catalog.find_instance("x")->spec;
  b_->registry->submit(same, [](const Result<Outcome>& done) { EXPECT_TRUE(done && done->changed); });
  time_.advance(2s);
  EXPECT_TRUE(knows(*a_, "x")) << "it came before the judgement";
  EXPECT_EQ(b_->catalog.revision().value, before.value + 1);
}

TEST_F(ClusterTest, AWriteAtANodeThatHistoryHasLeftBehindIsJudgedAnew) {
  register_at(*a_, "x");
  b_->store.before_commit = [&, commits = 0]() mutable {
    b_->store.fault = commits++ == 0 ? std::optional(ErrorCode::compacted) : std::nullopt;
  };
  register_at(*b_, "y");
  EXPECT_TRUE(knows(*b_, "y"));
  EXPECT_TRUE(knows(*a_, "y"));
  EXPECT_TRUE(b_->registry->writable());
}

TEST_F(ClusterTest, ARenewalThatHistoryHasLeftBehindCounts) {
  register_at(*a_, "x");
  time_.advance(9s);
  a_->store_executor.hanging = true;
  a_->store.history_is_gone = true;
  a_->store.fault = ErrorCode::compacted;
  time_.advance(3s);  // by now the expiry waits there
  Register again;
  again.id = InstanceId("x");
  again.spec = b_->catalog.find_instance("x")->spec;
  b_->registry->submit(again, [](const Result<Outcome>& given) { EXPECT_TRUE(given && given->changed); });
  time_.advance(10ms);
  a_->store_executor.resume();
  time_.advance(10ms);
  a_->store.fault.reset();
  time_.advance(5s);
  EXPECT_TRUE(knows(*a_, "x"));
  time_.advance(10s);
  EXPECT_FALSE(knows(*a_, "x"));
}

TEST_F(ClusterTest, NobodyWaitsLongForALogThatDoesNotAnswer) {
  register_at(*a_, "x");
  b_->store_executor.hanging = true;
  std::vector<ErrorCode> told;
  const auto note = [&](const auto& result) { told.push_back(result ? ErrorCode::internal : result.error().code); };
  b_->registry->submit(SetMaintenance{InstanceId("x"), true, "is on its way"}, note);
  time_.advance(100ms);
  b_->registry->submit(SetMaintenance{InstanceId("x"), true, "waits"}, note);
  b_->registry->catch_up(note);
  time_.advance(860ms);
  EXPECT_EQ(told, std::vector{ErrorCode::unknown_outcome});
  time_.advance(100ms);
  using enum ErrorCode;
  EXPECT_EQ(told, (std::vector{unknown_outcome, unavailable, unavailable}));

  b_->store_executor.resume();
  time_.advance(10ms);
  EXPECT_EQ(told.size(), 3U) << "nobody is answered twice";
  EXPECT_TRUE(b_->catalog.find_instance("x")->maintenance) << "it was on its way";
  time_.advance(1s);
  EXPECT_LE(b_->registry->lag(), 1100ms);
}

}  // namespace
}  // namespace rollcall::testing
