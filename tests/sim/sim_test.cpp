#include <gtest/gtest.h>

#include "simulation.hpp"

namespace rollcall::sim {
namespace {

TEST(Simulation, TheSameSeedRepeatsExactly) {
  for (const std::uint64_t seed : {7U, 8U, 9U, 10U}) {
    const Report first = simulate({.seed = seed, .steps = 1'500, .print_trace = false});
    const Report second = simulate({.seed = seed, .steps = 1'500, .print_trace = false});
    EXPECT_EQ(first.hash, second.hash) << "seed " << seed;
    EXPECT_EQ(first.events, second.events) << "seed " << seed;
  }
}

TEST(Simulation, DifferentSeedsAreDifferentHistories) {
  EXPECT_NE(simulate({.seed = 1, .steps = 200, .print_trace = false}).hash,
            simulate({.seed = 2, .steps = 200, .print_trace = false}).hash);
}

class Batch : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Batch, BreaksNoInvariant) {
  for (std::uint64_t seed = GetParam(); seed < GetParam() + 10; ++seed) {
    const Report report = simulate({.seed = seed, .steps = 2'000, .print_trace = false});
    ASSERT_TRUE(report.ok) << report.failure;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Batch, testing::Values(100, 110, 120, 130, 140));

}  // namespace
}  // namespace rollcall::sim
