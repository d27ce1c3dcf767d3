#include "discovery/docker/follow_list.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace rollcall::docker {
namespace {

using namespace std::chrono_literals;
using Ids = std::vector<std::string>;

constexpr MonoTime kStart{};

TEST(FollowList, WhatIsTouchedIsDueAtOnceAndNotAgainWhileItIsInHand) {
  FollowList list;
  list.touch("a", kStart);
  list.touch("b", kStart + 1ms);
  EXPECT_EQ(list.take_due(kStart, 10), Ids{"a"});
  EXPECT_EQ(list.take_due(kStart + 1ms, 10), Ids{"b"});
  EXPECT_EQ(list.next_due(), std::nullopt);
}

TEST(FollowList, TheLongestOverdueGoFirst) {
  FollowList list;
  list.touch("b", kStart);
  list.touch("a", kStart + 1ms);
  EXPECT_EQ(list.take_due(kStart + 2ms, 1), Ids{"b"});
}

TEST(FollowList, WhatSeemsSettledIsLookedAtForAWhileAllTheSame) {
  FollowList list;
  list.touch("a", kStart);
  MonoTime now = kStart;
  int looks = 0;
  for (; list.size() != 0; ++looks) {
    now = list.next_due().value();
    ASSERT_EQ(list.take_due(now, 10), Ids{"a"});
    list.looked("a", true, false, now);
  }
  EXPECT_EQ(looks, 6);
  EXPECT_GE(now - kStart, 500ms);
  EXPECT_LE(now - kStart, 1s);
}

TEST(FollowList, WhatDoesNotSettleIsLookedAtOnceASecond) {
  FollowList list;
  list.touch("a", kStart);
  MonoTime now = kStart, before = kStart;
  for (int i = 0; i < 20; ++i) {
    before = std::exchange(now, list.next_due().value());
    ASSERT_EQ(list.take_due(now, 10), Ids{"a"});
    list.looked("a", false, false, now);
    if (i > 0) EXPECT_LE(now - before, 1s);
    if (i > 3) EXPECT_GE(now - before, 100ms);
  }
  EXPECT_EQ(now - before, 1s);
}

TEST(FollowList, AChangeStartsThePausesAnew) {
  FollowList list;
  list.touch("a", kStart);
  MonoTime now = kStart;
  for (int i = 0; i < 12; ++i) {
    now = list.next_due().value();
    ASSERT_EQ(list.take_due(now, 10), Ids{"a"});
    list.looked("a", false, i == 11, now);
  }
  EXPECT_LT(list.next_due().value() - now, 100ms);
}

TEST(FollowList, WhatIsTouchedInHandIsDueAgainAtOnce) {
  FollowList list;
  list.touch("a", kStart);
  ASSERT_EQ(list.take_due(kStart, 10), Ids{"a"});
  list.touch("a", kStart + 1ms);
  list.looked("a", true, false, kStart + 2ms);
  EXPECT_EQ(list.take_due(kStart + 2ms, 10), Ids{"a"});
  list.put_back({"a"}, kStart + 3ms);
  EXPECT_EQ(list.take_due(kStart + 3ms, 10), Ids{"a"});
}

}  // namespace
}  // namespace rollcall::docker
