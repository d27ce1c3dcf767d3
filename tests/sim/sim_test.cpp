#include <gtest/gtest.h>

#include "simulation.hpp"

namespace rollcall::sim {
namespace {

class Nodes : public testing::TestWithParam<std::size_t> {};

TEST_P(Nodes, TheSameSeedRepeatsExactly) {
  for (const std::uint64_t seed : {7U, 8U, 9U, 10U}) {
    const Options options{.seed = seed, .steps = 1'500, .nodes = GetParam()};
    const Report first = simulate(options);
    const Report second = simulate(options);
    EXPECT_EQ(first.hash, second.hash) << "seed " << seed;
    EXPECT_EQ(first.events, second.events) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Simulation, Nodes, testing::Values(1, 3));

TEST(Simulation, DifferentSeedsAreDifferentHistories) {
  EXPECT_NE(simulate({.seed = 1, .steps = 200}).hash, simulate({.seed = 2, .steps = 200}).hash);
}

class Batch : public testing::TestWithParam<std::tuple<std::uint64_t, std::size_t>> {};

TEST_P(Batch, BreaksNoInvariant) {
  const auto [first, nodes] = GetParam();
  for (std::uint64_t seed = first; seed < first + 10; ++seed) {
    const Report report = simulate({.seed = seed, .steps = 2'000, .nodes = nodes});
    ASSERT_TRUE(report.ok) << report.failure;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Batch,
                         testing::Combine(testing::Values(100, 110, 120, 130, 140), testing::Values(1, 3)));

}  // namespace
}  // namespace rollcall::sim
