#include "registry/lease_table.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

namespace rollcall {
namespace {

using namespace std::chrono_literals;

LeaseTable::Terms terms(std::uint64_t number, std::chrono::milliseconds ttl = 30s) {
  return {InstanceNumber{number}, LeaseTerms{ttl, 0ms}};
}

TEST(LeaseTable, ABeatIsRememberedAndAnUnknownIdIsTold) {
  LeaseTable table;
  const auto lease = table.put(InstanceId("a"), Session("s1"), terms(1), 0s, true);
  EXPECT_TRUE(table.look("a")->unverified);

  EXPECT_EQ(table.beat("a", "", 5s), BeatResult::ok);
  EXPECT_EQ(table.look(lease)->last_beat, 5s);
  EXPECT_FALSE(table.look("a")->unverified);
  EXPECT_EQ(table.beat("a", "s1", 4s), BeatResult::ok);
  EXPECT_EQ(table.look("a")->last_beat, 5s) << "time doesn't run backwards";
  EXPECT_EQ(table.beat("a", "s0", 6s), BeatResult::stale);
  EXPECT_EQ(table.beat("b", "", 6s), BeatResult::unknown);
}

TEST(LeaseTable, AClaimTakesOnlyWhatWasSilentForItsTtl) {
  LeaseTable table;
  const auto lease = table.put(InstanceId("a"), {}, terms(1), 10s, false);
  EXPECT_FALSE(table.claim(lease, 39s));
  EXPECT_EQ(table.claim(lease, 40s), 30s);
  EXPECT_EQ(table.beat("a", "", 41s), BeatResult::undecided);
  EXPECT_FALSE(table.claim(lease, 50s)) << "claimed once";

  table.restore(lease);
  EXPECT_EQ(table.beat("a", "", 41s), BeatResult::late);
}

TEST(LeaseTable, AnErasedLeaseIsGoneAndItsHandleStale) {
  LeaseTable table;
  const auto lease = table.put(InstanceId("a"), {}, terms(1), 0s, false);
  table.erase("a");
  EXPECT_EQ(table.beat("a", "", 1s), BeatResult::unknown);
  EXPECT_FALSE(table.look(lease));
  EXPECT_EQ(table.size(), 0U);

  table.reclaim(table.take_retired());
  const auto next = table.put(InstanceId("b"), {}, terms(2), 0s, false);
  EXPECT_EQ(next.slot, lease.slot);
  EXPECT_FALSE(table.look(lease)) << "the slot serves another lease now";
}

TEST(LeaseTable, HoldsManyLongAndShortIdsThroughGrowth) {
  LeaseTable table;
  const auto id = [](int i) { return std::string(static_cast<std::size_t>(i % 200) + 1, 'x') + std::to_string(i); };
  for (int i = 0; i < 20'000; ++i)
    table.put(InstanceId(id(i)), {}, terms(static_cast<std::uint64_t>(i) + 1), 0s, false);
  for (int i = 0; i < 20'000; i += 2) table.erase(id(i));
  for (int i = 0; i < 20'000; ++i) {
    EXPECT_EQ(table.beat(id(i), "", 1s), i % 2 == 0 ? BeatResult::unknown : BeatResult::ok);
  }
  EXPECT_EQ(table.size(), 10'000U);
  EXPECT_EQ(table.marks_since(1s).marks.size(), 10'000U);
  EXPECT_TRUE(table.marks_since(2s).marks.empty());
}

TEST(LeaseTable, ALapseIsMarkedThoughItsBeatIsOld) {
  LeaseTable table;
  const auto lease = table.put(InstanceId("a"), {}, terms(1, 10s), 0s, false);
  table.put(InstanceId("b"), {}, terms(2, 10s), 0s, false);
  ASSERT_TRUE(table.claim(lease, 12s));
  table.lapse(lease, 50s);
  const auto marks = table.marks_since(45s).marks;
  ASSERT_EQ(marks.size(), 1U);
  EXPECT_EQ(marks[0].last_beat, 40s);
  EXPECT_TRUE(table.marks_since(51s).marks.empty()) << "once is enough";
}

TEST(LeaseTable, ManyBeatsAtOnceAreAsGoodAsOneByOne) {
  LeaseTable table;
  std::vector<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.push_back("instance-" + std::to_string(i));
  for (std::size_t i = 0; i < ids.size(); i += 2) table.put(InstanceId(ids[i]), {}, terms(i + 1), 0s, false);

  const std::vector<std::string_view> views(ids.begin(), ids.end());
  std::vector<BeatResult> results(ids.size());
  table.beat_many(views, results, 7s);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(results[i], i % 2 == 0 ? BeatResult::ok : BeatResult::unknown);
    if (i % 2 == 0) {
      EXPECT_EQ(table.look(ids[i])->last_beat, 7s);
    }
  }
}

// A heartbeat and a claim meet: exactly one wins, however they interleave.
TEST(LeaseTable, ABeatAndAClaimNeverBothWin) {
  for (int round = 0; round < 200; ++round) {
    LeaseTable table;
    const auto lease = table.put(InstanceId("a"), {}, terms(1, 1s), 0s, false);
    std::atomic<int> ready{0};
    const auto meet = [&ready] {
      ready.fetch_add(1);
      while (ready.load() < 2) {
      }
    };
    BeatResult beat{};
    std::thread other([&] {
      meet();
      beat = table.beat("a", "", 1s);
    });
    meet();
    const bool claimed = table.claim(lease, 1s).has_value();
    other.join();
    EXPECT_EQ(beat, claimed ? BeatResult::undecided : BeatResult::late) << "its ttl is just over";
  }
}

// Readers beat while the owner adds, grows and removes; what they look at is reused only between their turns.
TEST(LeaseTable, ReadersGoOnWhileTheOwnerChangesTheTable) {
  LeaseTable table;
  std::atomic<bool> stop{false};
  table.put(InstanceId("steady"), {}, terms(1), 0s, false);
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&] {
      for (int i = 0; !stop.load(); i = (i + 1) % 5000) {
        EXPECT_EQ(table.beat("steady", "", 1s), BeatResult::ok);
        (void)table.beat("churn-" + std::to_string(i), "", 1s);
      }
    });
  }
  for (int i = 0; i < 5000; ++i) {
    const InstanceId id("churn-" + std::to_string(i));
    table.put(id, {}, terms(static_cast<std::uint64_t>(i) + 2), 0s, false);
    if (i >= 100) table.erase("churn-" + std::to_string(i - 100));
  }
  stop.store(true);
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(table.size(), 101U);
}

}  // namespace
}  // namespace rollcall
