#include "discovery/probe/rate_limiter.hpp"

#include <gtest/gtest.h>

namespace rollcall::probe {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kStart{1000s};

TEST(RateLimiter, WhoAsksFirstGoesAtOnceAndTheOthersAtEvenSteps) {
  RateLimiter limiter(100);
  EXPECT_EQ(limiter.reserve(kStart), kStart);
  EXPECT_EQ(limiter.reserve(kStart), kStart + 10ms);
  EXPECT_EQ(limiter.reserve(kStart + 3ms), kStart + 20ms) << "who asks later has no earlier turn";
}

TEST(RateLimiter, ASecondHoldsNoMoreTurnsThanAllowed) {
  constexpr int kPerSecond = 50;
  RateLimiter limiter(kPerSecond);
  int within_a_second = 0;
  for (int i = 0; i < 3 * kPerSecond; ++i) within_a_second += limiter.reserve(kStart) < kStart + 1s ? 1 : 0;
  EXPECT_EQ(within_a_second, kPerSecond);
}

TEST(RateLimiter, TimeThatNobodyUsedIsNotSavedUp) {
  RateLimiter limiter(100);
  (void)limiter.reserve(kStart);
  const MonoTime later = kStart + 1h;
  EXPECT_EQ(limiter.reserve(later), later);
  EXPECT_EQ(limiter.reserve(later), later + 10ms) << "no burst after the pause";
}

TEST(RateLimiter, ATurnIsNeverInThePast) {
  RateLimiter limiter(100);
  (void)limiter.reserve(kStart);
  EXPECT_EQ(limiter.reserve(kStart + 15ms), kStart + 15ms);
  EXPECT_EQ(limiter.reserve(kStart + 15ms), kStart + 25ms) << "the step counts from the turn that was taken";
}

TEST(RateLimiter, ARateOfNoneIsOneASecond) {
  RateLimiter limiter(0);
  EXPECT_EQ(limiter.reserve(kStart), kStart);
  EXPECT_EQ(limiter.reserve(kStart), kStart + 1s);
}

}  // namespace
}  // namespace rollcall::probe
