#include "registry/roster.hpp"

#include <gtest/gtest.h>

namespace rollcall {
namespace {

using namespace std::chrono_literals;

constexpr NodeId kSelf{1}, kB{2}, kC{3};

Member member(NodeId id, std::uint64_t round, std::uint64_t heard_of_us = 0) {
  Member made{.id = id, .card = {}, .round = Round{round}, .heard = {}, .revision = {}};
  if (heard_of_us != 0) made.heard.push_back({kSelf, Round{heard_of_us}});
  return made;
}

class RosterTest : public testing::Test {
 protected:
  void learn(std::vector<Member> others, LeaseTime now, std::vector<Digest> digests = {}) {
    Minutes minutes;
    minutes.members = std::move(others);
    minutes.members.push_back(member(kSelf, 1));
    minutes.digests = std::move(digests);
    minutes.term = Term{1};
    roster_.learn(minutes, now);
  }

  Roster roster_{kSelf, 10s};
};

TEST_F(RosterTest, AloneEverythingIsKnownUpToTheLastMeeting) {
  learn({}, 1s);
  EXPECT_EQ(roster_.complete_up_to(), LeaseTime::min());
  (void)roster_.begin(2s);
  EXPECT_EQ(roster_.complete_up_to(), LeaseTime::min()) << "somebody may have joined";
  learn({}, 3s);
  EXPECT_EQ(roster_.complete_up_to(), 2s);
  EXPECT_EQ(roster_.floor(), LeaseTime::min());
}

TEST_F(RosterTest, LeasesAreJudgedUpToTheReportThatEverybodyHadWhenItMadeItsOwn) {
  (void)roster_.begin(1s);
  (void)roster_.begin(2s);
  (void)roster_.begin(3s);
  learn({member(kB, 5, 3)}, 3s);
  EXPECT_EQ(roster_.complete_up_to(), 3s);
  learn({member(kB, 6, 3), member(kC, 1, 2)}, 4s);
  EXPECT_EQ(roster_.complete_up_to(), 2s);
  learn({member(kB, 7, 3), member(kC, 2)}, 5s);
  EXPECT_EQ(roster_.complete_up_to(), 2s) << "what it had it goes on having";
}

TEST_F(RosterTest, OfWhoHasSaidNothingNothingIsKnown) {
  (void)roster_.begin(1s);
  learn({member(kB, 0)}, 1s);
  EXPECT_EQ(roster_.complete_up_to(), LeaseTime::min());
}

TEST_F(RosterTest, WhoReportsNothingIsFenced) {
  learn({member(kB, 5)}, 0s);
  for (auto now = 1s; now < 10s; now += 1s) learn({member(kB, 5)}, now);
  EXPECT_TRUE(roster_.begin(9s).fence.empty());
  learn({member(kB, 5)}, 10s);
  EXPECT_EQ(roster_.begin(10s).fence, (std::vector{NodeRound{kB, Round{5}}}));
  learn({member(kB, 6)}, 11s);
  EXPECT_TRUE(roster_.begin(11s).fence.empty());
}

TEST_F(RosterTest, OurOwnAbsenceIsNobodysSilence) {
  learn({member(kB, 5)}, 0s);
  learn({member(kB, 5)}, 60s);
  EXPECT_TRUE(roster_.begin(60s).fence.empty());
  EXPECT_EQ(roster_.silence_of(kB), 2500ms);
}

TEST_F(RosterTest, WhenSomebodyGoesLeasesRunFromThen) {
  learn({member(kB, 5), member(kC, 5)}, 1s);
  EXPECT_EQ(roster_.floor(), LeaseTime::min());
  learn({member(kB, 6)}, 2s);
  EXPECT_EQ(roster_.floor(), 2s);
}

TEST_F(RosterTest, WhoJoinsOthersKnowsNothingOfBefore) {
  Minutes minutes;
  minutes.members = {member(kSelf, 0), member(kB, 7)};
  roster_.join(minutes, 5s);
  EXPECT_EQ(roster_.floor(), 5s);
}

TEST_F(RosterTest, ADigestGoesWhenItIsWrittenDownAndEverybodyHasReadIt) {
  learn({member(kB, 5)}, 1s, {{{kB, Round{4}}, "x"}, {{kB, Round{5}}, "y"}});
  learn({member(kB, 6)}, 2s, {{{kB, Round{6}}, "z"}});
  EXPECT_TRUE(roster_.begin(20s).settled.empty()) << "nothing is written down";
  roster_.written_down(1500ms);
  EXPECT_TRUE(roster_.begin(15s).settled.empty()) << "somebody may not have read it";
  auto settled = roster_.begin(17s).settled;
  EXPECT_EQ(settled, (std::vector{NodeRound{kB, Round{5}}}));
  EXPECT_EQ(roster_.begin(17s).settled, settled) << "a report may be lost";
  learn({member(kB, 7)}, 17s);
  EXPECT_TRUE(roster_.begin(17s).settled.empty());
}

TEST_F(RosterTest, WhoIsNoReaperOrdersNothing) {
  learn({member(kB, 5)}, 0s, {{{kB, Round{5}}, "x"}});
  roster_.written_down(1s);
  roster_.lose_touch();
  const auto report = roster_.begin(60s);
  EXPECT_TRUE(report.fence.empty());
  EXPECT_TRUE(report.settled.empty());
  EXPECT_EQ(report.heard, (std::vector{NodeRound{kB, Round{5}}}));
}

}  // namespace
}  // namespace rollcall
