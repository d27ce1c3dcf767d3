// What every engine does in which several nodes share a log and meet.
#include "store/membership.hpp"

#include <gmock/gmock.h>

#include "conformance/store_fixture.hpp"

namespace rollcall::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr NodeId kA{11}, kB{22}, kC{33};

template <class Engine>
class MembershipTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (Engine::is_missing()) GTEST_SKIP() << "it isn't installed";
  }

  std::unique_ptr<Membership> join(NodeId id, const std::string& name, Minutes* minutes = nullptr) {
    auto member = engine_.member(id);
    const auto heard = member->join({name, name + ":1", "1"}, {std::string(kReaperOffice), "probe lan"});
    EXPECT_TRUE(heard) << heard.error().message;
    if (heard && minutes != nullptr) *minutes = *heard;
    return member;
  }

  static Minutes meet(Membership& member, std::uint64_t round, std::string digest = {}) {
    return meet(member, Report{.round = Round{round}, .digest = std::move(digest)});
  }
  static Minutes meet(Membership& member, const Report& report) {
    auto minutes = member.meet(report);
    EXPECT_TRUE(minutes) << minutes.error().message;
    return minutes ? std::move(*minutes) : Minutes{};
  }

  static std::vector<std::string> names(const Minutes& minutes) {
    std::vector<std::string> names;
    for (const auto& member : minutes.members) names.push_back(member.card.name);
    return names;
  }
  static std::vector<std::string> beats(const Minutes& minutes) {
    std::vector<std::string> beats;
    for (const auto& digest : minutes.digests) beats.push_back(digest.beats);
    return beats;
  }

  Engine engine_;
  std::unique_ptr<Store> store_ = engine_.open();
};

TYPED_TEST_SUITE(MembershipTest, SharedEngines, EngineNames);

TYPED_TEST(MembershipTest, WhoJoinsIsSeenByTheOthers) {
  Minutes first, second;
  const auto a = this->join(kA, "a", &first);
  EXPECT_THAT(this->names(first), ElementsAre("a"));
  const auto b = this->join(kB, "b", &second);
  EXPECT_THAT(this->names(second), ElementsAre("a", "b"));
  const auto met = this->meet(*a, 1);
  ASSERT_THAT(this->names(met), ElementsAre("a", "b"));
  EXPECT_EQ(met.members[0].round, Round{1});
  EXPECT_EQ(met.members[1].round, Round{0});
  EXPECT_EQ(met.members[1].card.address, "b:1");
}

TYPED_TEST(MembershipTest, AReportSaysWhatItsNodeHasHeardAndApplied) {
  const auto a = this->join(kA, "a");
  const auto b = this->join(kB, "b");
  Report report{.round = Round{7}, .heard = {{kB, Round{3}}, {kC, Round{9}}}};
  report.revision = Revision{12};
  this->meet(*a, report);
  const auto met = this->meet(*b, 1);
  EXPECT_EQ(met.members[0].round, Round{7});
  EXPECT_EQ(met.members[0].heard, report.heard);
  EXPECT_EQ(met.members[0].revision, Revision{12});
  EXPECT_THAT(met.members[1].heard, IsEmpty());
}

TYPED_TEST(MembershipTest, EachDigestComesOnceToEveryOtherNodeInOrder) {
  const auto a = this->join(kA, "a");
  const auto b = this->join(kB, "b");
  this->meet(*a, 1, "one");
  this->meet(*a, 2);
  const std::string binary("\0\xFF two", 6);
  EXPECT_THAT(this->meet(*a, 3, binary).digests, IsEmpty()) << "not to itself";
  const auto met = this->meet(*b, 1);
  ASSERT_THAT(this->beats(met), ElementsAre("one", binary));
  EXPECT_EQ(met.digests[0].of, (NodeRound{kA, Round{1}}));
  EXPECT_EQ(met.digests[1].of, (NodeRound{kA, Round{3}}));
  EXPECT_THAT(this->meet(*b, 2).digests, IsEmpty());
  Minutes minutes;
  const auto c = this->join(kC, "c", &minutes);
  EXPECT_THAT(this->beats(minutes), ElementsAre("one", binary)) << "who joins later hears what is still there";
}

TYPED_TEST(MembershipTest, WhatIsSettledGoes) {
  const auto a = this->join(kA, "a");
  const auto b = this->join(kB, "b");
  for (std::uint64_t round = 1; round <= 3; ++round) this->meet(*a, round, std::to_string(round));
  this->meet(*b, Report{.round = Round{1}, .digest = "b", .settled = {{kA, Round{2}}}});
  Minutes minutes;
  const auto c = this->join(kC, "c", &minutes);
  EXPECT_THAT(this->beats(minutes), ElementsAre("3", "b"));
}

TYPED_TEST(MembershipTest, OneAtATimeHoldsAnOffice) {
  Minutes first, second;
  auto a = this->join(kA, "a", &first);
  const auto b = this->join(kB, "b", &second);
  EXPECT_THAT(first.offices, ::testing::UnorderedElementsAre("reaper", "probe lan"));
  EXPECT_EQ(first.term, Term{1});
  EXPECT_EQ(first.reaper, kA);
  EXPECT_THAT(second.offices, IsEmpty());
  EXPECT_FALSE(second.term);
  EXPECT_EQ(second.reaper, kA);
  EXPECT_EQ(this->meet(*a, 1).term, Term{1}) << "a term goes on";

  ASSERT_TRUE(a->leave(Report{.round = Round{2}, .digest = "last"}));
  const auto met = this->meet(*b, 1);
  EXPECT_THAT(this->names(met), ElementsAre("b"));
  EXPECT_THAT(this->beats(met), ElementsAre("last"));
  EXPECT_THAT(met.offices, SizeIs(2));
  EXPECT_EQ(met.term, Term{2});
  EXPECT_EQ(met.reaper, kB);
}

TYPED_TEST(MembershipTest, WhoseProcessEndsLosesItsOfficesAndStaysAMember) {
  auto a = this->join(kA, "a");
  const auto b = this->join(kB, "b");
  a.reset();
  auto met = this->meet(*b, 1);
  for (int tries = 0; !met.term && tries < 10'000; ++tries) met = this->meet(*b, 2 + static_cast<unsigned>(tries));
  EXPECT_EQ(met.term, Term{2});
  EXPECT_THAT(this->names(met), ElementsAre("a", "b"));
}

TYPED_TEST(MembershipTest, WhoIsFencedIsToldAndJoinsAgain) {
  const auto a = this->join(kA, "a");
  const auto b = this->join(kB, "b");
  this->meet(*b, 1);
  this->meet(*a, Report{.round = Round{1}, .fence = {{kB, Round{0}}}});
  EXPECT_THAT(this->names(this->meet(*b, 2)), ElementsAre("a", "b")) << "it had reported meanwhile";
  this->meet(*a, Report{.round = Round{2}, .fence = {{kB, Round{2}}}});

  const auto told = this->meet(*b, 3, "unheard");
  EXPECT_TRUE(told.ended);
  EXPECT_THAT(this->names(told), ElementsAre("a"));
  EXPECT_THAT(this->meet(*a, 3).digests, IsEmpty()) << "nothing of its report was taken";
  const auto again = b->join({"b", "b:1", "1"}, {});
  ASSERT_TRUE(again);
  EXPECT_THAT(this->names(*again), ElementsAre("a", "b"));
  EXPECT_FALSE(this->meet(*b, 4).ended);
}

TYPED_TEST(MembershipTest, ANewLifeUnderANameEndsTheEarlierOne) {
  auto a = this->join(kA, "a");
  this->meet(*a, 1, "before");
  a.reset();
  Minutes minutes;
  const auto again = this->join(kB, "a", &minutes);
  ASSERT_THAT(minutes.members, SizeIs(1));
  EXPECT_EQ(minutes.members[0].id, kB);
  EXPECT_THAT(this->beats(minutes), ElementsAre("before"));
}

TYPED_TEST(MembershipTest, AChangeOfAnEarlierTermConflicts) {
  auto a = this->join(kA, "a");
  const auto change = [](std::string id, std::uint64_t term) {
    auto made = registering(full_instance(id));
    made.term = Term{term};
    return made;
  };
  auto done = this->store_->commit(batch({}, {change("x", 1), change("y", 0), change("z", 2)}));
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->outcomes[0]);
  EXPECT_TRUE(done->outcomes[1]);
  ASSERT_FALSE(done->outcomes[2]);
  EXPECT_EQ(done->outcomes[2].error().code, ErrorCode::conflict);

  ASSERT_TRUE(a->leave({}));
  const auto b = this->join(kB, "b");
  done = this->store_->commit(batch(Revision{2}, {change("u", 1), change("v", 2)}));
  ASSERT_TRUE(done);
  EXPECT_FALSE(done->outcomes[0]);
  EXPECT_TRUE(done->outcomes[1]);
}

TYPED_TEST(MembershipTest, LeasesSavedInALaterTermStay) {
  ASSERT_TRUE(this->store_->save_leases({5s, {{InstanceNumber{1}, 4s}}, Term{2}}));
  const auto late = this->store_->save_leases({9s, {{InstanceNumber{1}, 8s}}, Term{1}});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::conflict);
  const auto loaded = this->engine_.open()->load_leases();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->now, 5s);
  EXPECT_EQ(loaded->term, Term{2});
  ASSERT_THAT(loaded->marks, SizeIs(1));
  EXPECT_EQ(loaded->marks[0].last_beat, 4s);
  EXPECT_TRUE(this->store_->save_leases({6s, {}, Term{2}}));
}

}  // namespace
}  // namespace rollcall::testing
