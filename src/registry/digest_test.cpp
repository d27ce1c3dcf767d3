#include "registry/digest.hpp"

#include <gtest/gtest.h>

#include <map>

namespace rollcall {
namespace {

using namespace std::chrono_literals;
using Ages = std::map<std::uint64_t, std::chrono::milliseconds>;

std::optional<Ages> read(std::string_view bytes) {
  Ages ages;
  const auto done =
      decode_digest(bytes, [&](InstanceNumber number, std::chrono::milliseconds age) { ages[number.value] = age; });
  return done ? std::optional(ages) : std::nullopt;
}

TEST(Digest, SaysOfEachLeaseHowOldItsBeatIsAtMost) {
  const auto bytes =
      encode_digest({{InstanceNumber{70'000}, 990ms}, {InstanceNumber{3}, 1000ms}, {InstanceNumber{1}, 0ms}}, 1000ms);
  EXPECT_EQ(*read(bytes), (Ages{{1, 992ms}, {3, 0ms}, {70'000, 8ms}}));
}

TEST(Digest, NoBeatGetsOlder) {
  for (std::int64_t age = 0; age < 5000; age += 7) {
    const auto told = read(encode_digest({{InstanceNumber{9}, 10'000ms - std::chrono::milliseconds(age)}}, 10s));
    EXPECT_LE(told->at(9).count(), age);
    EXPECT_GT(told->at(9).count(), age - 10);
  }
}

TEST(Digest, ABeatAfterItsMakingIsNew) {
  EXPECT_EQ(*read(encode_digest({{InstanceNumber{9}, 11s}}, 10s)), (Ages{{9, 0ms}}));
}

TEST(Digest, OfManyItIsSmall) {
  std::vector<LeaseMark> marks;
  for (std::uint64_t i = 1; i <= 10'000; ++i) marks.push_back({InstanceNumber{3 * i}, 9s});
  EXPECT_EQ(encode_digest(marks, 10s).size(), 20'001U);
}

TEST(Digest, WhatIsNoneIsRefused) {
  EXPECT_TRUE(read(""));
  EXPECT_EQ(encode_digest({}, 10s), "");
  EXPECT_FALSE(read("\x02"));
  EXPECT_FALSE(read("\x01\x05"));
  EXPECT_FALSE(read("\x01\x85"));
  EXPECT_FALSE(read(std::string("\x01") + std::string(12, '\xFF')));
}

}  // namespace
}  // namespace rollcall
