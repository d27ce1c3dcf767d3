#include "discovery/probe/server_tracker.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace rollcall::probe {
namespace {

using namespace std::chrono_literals;
using Step = ServerTracker::Step;

const MonoTime kStart = MonoTime{} + 1h;
constexpr TrackerRules kRules{.failures_before_offline = 3, .remove_after = 300s};

Observation at(Duration after, Outcome outcome, std::string evidence = "evidence") {
  return {outcome, std::move(evidence), kStart + after};
}

ServerTracker online_server() { return {kRules, "answered", kStart}; }

TEST(ServerTracker, ARefusedConnectionIsOfflineAtOnce) {
  auto tracker = online_server();
  EXPECT_EQ(tracker.observe(at(1s, Outcome::refused, "connect to 127.0.0.1:8042 refused")), Step::changed);
  EXPECT_EQ(tracker.health(), Status::critical);
  EXPECT_EQ(tracker.evidence(), "connect to 127.0.0.1:8042 refused");
  EXPECT_EQ(tracker.last_seen(), kStart);
}

TEST(ServerTracker, SilenceIsOfflineAfterThreeTimeOuts) {
  auto tracker = online_server();
  EXPECT_EQ(tracker.observe(at(1s, Outcome::silent)), Step::unchanged);
  EXPECT_EQ(tracker.observe(at(2s, Outcome::silent)), Step::unchanged);
  EXPECT_EQ(tracker.observe(at(3s, Outcome::silent, "no answer from 127.0.0.1:8042 in time")), Step::changed);
  EXPECT_EQ(tracker.evidence(), "no answer from 127.0.0.1:8042 in time, 3 checks in a row");
}

TEST(ServerTracker, AnAnswerInBetweenStartsTheCountAnew) {
  auto tracker = online_server();
  EXPECT_EQ(tracker.observe(at(1s, Outcome::silent)), Step::unchanged);
  EXPECT_EQ(tracker.observe(at(2s, Outcome::foreign)), Step::unchanged);
  EXPECT_EQ(tracker.observe(at(3s, Outcome::answered)), Step::unchanged);
  EXPECT_EQ(tracker.observe(at(4s, Outcome::silent)), Step::unchanged);
  EXPECT_TRUE(tracker.online());
}

TEST(ServerTracker, OurOwnWantIsNoEvidence) {
  auto tracker = online_server();
  for (int i = 1; i < 1000; ++i) EXPECT_EQ(tracker.observe(at(i * 1s, Outcome::no_evidence)), Step::unchanged);
  EXPECT_TRUE(tracker.online());
}

TEST(ServerTracker, WhatIsOfflineComesBackWithItsFirstAnswer) {
  auto tracker = online_server();
  ASSERT_EQ(tracker.observe(at(1s, Outcome::refused)), Step::changed);
  EXPECT_EQ(tracker.observe(at(2s, Outcome::refused)), Step::unchanged);
  EXPECT_EQ(tracker.observe(at(3s, Outcome::answered, "answered /system in 0.1 ms")), Step::changed);
  EXPECT_TRUE(tracker.online());
  EXPECT_EQ(tracker.evidence(), "answered /system in 0.1 ms");
  EXPECT_EQ(tracker.last_seen(), kStart + 3s);
}

TEST(ServerTracker, ItIsGone300SecondsAfterItWasLastSeen) {
  auto tracker = online_server();
  ASSERT_EQ(tracker.observe(at(10s, Outcome::answered)), Step::unchanged);
  ASSERT_EQ(tracker.observe(at(11s, Outcome::refused)), Step::changed);
  EXPECT_EQ(tracker.observe(at(309s, Outcome::refused)), Step::unchanged);
  EXPECT_EQ(tracker.observe(at(310s, Outcome::no_evidence)), Step::unchanged);
  EXPECT_EQ(tracker.observe(at(311s, Outcome::refused)), Step::gone);
}

TEST(ServerTracker, WhatWasOfflineBeforeOurRestartIsAskedOnceMore) {
  ServerTracker back(kRules, Status::critical, "refused", kStart, 400s);
  EXPECT_EQ(back.observe(at(0s, Outcome::answered)), Step::changed);
  ServerTracker still_off(kRules, Status::critical, "refused", kStart, 400s);
  EXPECT_EQ(still_off.observe(at(0s, Outcome::refused)), Step::gone);
  ServerTracker not_yet(kRules, Status::critical, "refused", kStart, 100s);
  EXPECT_EQ(not_yet.observe(at(199s, Outcome::refused)), Step::unchanged);
  EXPECT_EQ(not_yet.observe(at(200s, Outcome::refused)), Step::gone);
}

TEST(ServerTracker, RestartsAreCountedOnceEach) {
  auto tracker = online_server();
  tracker.saw_process(100);
  tracker.saw_process(100);
  EXPECT_EQ(tracker.restarts(), 0U);
  tracker.saw_process(200);  // so quick that no check met a closed port
  EXPECT_EQ(tracker.restarts(), 1U);
  ASSERT_EQ(tracker.observe(at(1s, Outcome::refused)), Step::changed);
  ASSERT_EQ(tracker.observe(at(2s, Outcome::answered)), Step::changed);
  EXPECT_EQ(tracker.restarts(), 2U);
  tracker.saw_process(300);
  EXPECT_EQ(tracker.restarts(), 2U);
}

RC_GTEST_PROP(ServerTrackerProperty, OfflineOnlyOnEvidenceAndGoneOnlyWhenLongUnseen, ()) {
  auto tracker = online_server();
  const auto outcomes = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 5));
  unsigned failures_in_a_row = 0;
  MonoTime now = kStart, last_answer = kStart;
  for (const int raw : outcomes) {
    now += std::chrono::seconds(*rc::gen::inRange(1, 100));
    const auto outcome = static_cast<Outcome>(raw);
    const bool was_online = tracker.online();
    const auto step = tracker.observe({outcome, "e", now});
    if (outcome == Outcome::answered) last_answer = now;
    if (outcome != Outcome::no_evidence) failures_in_a_row = outcome == Outcome::answered ? 0 : failures_in_a_row + 1;
    if (was_online && !tracker.online()) RC_ASSERT(outcome == Outcome::refused || failures_in_a_row >= 3);
    if (step == Step::gone) RC_ASSERT(!tracker.online() && now - last_answer >= 300s);
    if (outcome == Outcome::answered) RC_ASSERT(tracker.online());
    RC_ASSERT(tracker.last_seen() == last_answer);
  }
}

}  // namespace
}  // namespace rollcall::probe
