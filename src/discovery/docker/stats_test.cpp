#include "discovery/docker/stats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace rollcall::docker {
namespace {

using ::testing::DoubleNear;
using ::testing::Eq;
using ::testing::Optional;

/// Engine 20.10 with cgroup v1: a loop on the second of two processors, begun between the two readings.
constexpr std::string_view kBusyV1 =
    R"({"read":"2026-11-21T22:44:46.066491284Z","preread":"2026-11-21T22:44:45.059221182Z","pids_stats":{"current":1},)"
    R"("blkio_stats":{"io_service_bytes_recursive":[{"major":8,"minor":0,"op":"Read","value":8192},)"
    R"({"major":8,"minor":0,"op":"Write","value":4096},{"major":8,"minor":0,"op":"Sync","value":12288},)"
    R"({"major":8,"minor":0,"op":"Total","value":12288},{"major":8,"minor":16,"op":"Read","value":512}]},)"
    R"("num_procs":0,"storage_stats":{},)"
    R"("cpu_stats":{"cpu_usage":{"total_usage":479839921,"percpu_usage":[12235429,467604492],)"
    R"("usage_in_kernelmode":10000000,"usage_in_usermode":460000000},"system_cpu_usage":72966930000000,"online_cpus":2},)"
    R"("precpu_stats":{"cpu_usage":{"total_usage":60308222,"percpu_usage":[12235429,48072793]},)"
    R"("system_cpu_usage":72964910000000,"online_cpus":2},)"
    R"("memory_stats":{"usage":520192,"max_usage":4083712,"stats":{"cache":8192,"inactive_file":1,"total_cache":8192,)"
    R"("total_inactive_file":4096,"total_rss":61440},"limit":25276514304},"name":"/web.1",)"
    R"("networks":{"eth0":{"rx_bytes":486,"tx_bytes":10},"eth1":{"rx_bytes":14,"tx_bytes":1}}})";

/// The form of cgroup v2: no processor by itself, operations in small letters, no network of its own.
constexpr std::string_view kV2 =
    R"({"blkio_stats":{"io_service_bytes_recursive":[{"major":254,"minor":0,"op":"read","value":1000},)"
    R"({"major":254,"minor":0,"op":"write","value":3000}],"io_serviced_recursive":null},)"
    R"("cpu_stats":{"cpu_usage":{"total_usage":3000000,"usage_in_kernelmode":0},"system_cpu_usage":4000000,"online_cpus":4},)"
    R"("precpu_stats":{"cpu_usage":{"total_usage":1000000},"system_cpu_usage":2000000,"online_cpus":4},)"
    R"("memory_stats":{"usage":10000,"stats":{"anon":6000,"file":4000,"inactive_file":2500,"active_file":1500},)"
    R"("limit":65536}})";

constexpr std::string_view kStopped =
    R"({"read":"0001-01-01T00:00:00Z","preread":"0001-01-01T00:00:00Z","pids_stats":{},)"
    R"("blkio_stats":{"io_service_bytes_recursive":null},"cpu_stats":{"cpu_usage":{"total_usage":0}},)"
    R"("precpu_stats":{"cpu_usage":{"total_usage":0}},"memory_stats":{},"name":"/web.1"})";

std::string replaced(std::string_view text, std::string_view what, std::string_view by) {
  std::string result(text);
  result.replace(result.find(what), what.size(), by);
  return result;
}

TEST(Stats, AreReadFromTheFirstKindOfControlGroups) {
  const auto sample = parse_stats(kBusyV1);
  ASSERT_TRUE(sample);
  EXPECT_THAT(sample->cpu_percent, DoubleNear(419'531'699.0 / 2'020'000'000.0 * 2 * 100, 1e-6));
  EXPECT_EQ(sample->memory_bytes, 520'192U);
  EXPECT_THAT(sample->memory_working_bytes, Optional(516'096U));
  EXPECT_THAT(sample->memory_limit_bytes, Optional(25'276'514'304U));
  EXPECT_THAT(sample->network_rx_bytes, Optional(500U));
  EXPECT_THAT(sample->network_tx_bytes, Optional(11U));
  EXPECT_THAT(sample->block_read_bytes, Optional(8'704U));
  EXPECT_THAT(sample->block_write_bytes, Optional(4'096U));
}

TEST(Stats, AreReadFromTheSecondKindOfControlGroups) {
  const auto sample = parse_stats(kV2);
  ASSERT_TRUE(sample);
  EXPECT_DOUBLE_EQ(sample->cpu_percent, 400);
  EXPECT_THAT(sample->memory_working_bytes, Optional(7'500U));
  EXPECT_THAT(sample->network_rx_bytes, Eq(std::nullopt));
  EXPECT_THAT(sample->block_read_bytes, Optional(1'000U));
  EXPECT_THAT(sample->block_write_bytes, Optional(3'000U));
}

TEST(Stats, CountTheProcessorsWhereTheEngineDoesnt) {
  const auto sample = parse_stats(replaced(kBusyV1, R"(,"online_cpus":2},)", "},"));
  EXPECT_THAT(sample->cpu_percent, DoubleNear(41.538, 0.001));
}

TEST(Stats, AreIdleUnlessBothDifferencesArePositive) {
  EXPECT_EQ(parse_stats(replaced(kV2, R"("system_cpu_usage":4000000)", R"("system_cpu_usage":2000000)"))->cpu_percent,
            0);
  EXPECT_EQ(parse_stats(replaced(kV2, R"("total_usage":3000000)", R"("total_usage":500000)"))->cpu_percent, 0);
  EXPECT_EQ(parse_stats(replaced(kV2, R"("system_cpu_usage":2000000,)", ""))->cpu_percent, 0);
}

TEST(Stats, OfAStoppedContainerAreNone) {
  EXPECT_FALSE(parse_stats(kStopped));
  EXPECT_FALSE(parse_stats(R"({"message":"No such container: x"})"));
}

TEST(Stats, OfAnotherShapeAreNone) {
  for (const std::string_view text : {"", "[]", "7", "{", R"({"memory_stats":[]})", R"({"memory_stats":{"usage":-1}})",
                                      R"({"memory_stats":{"usage":"1"}})"}) {
    EXPECT_FALSE(parse_stats(text)) << text;
  }
  const auto odd =
      parse_stats(R"({"memory_stats":{"usage":1,"stats":{"inactive_file":9}},"networks":{"eth0":7},"blkio_stats":)"
                  R"({"io_service_bytes_recursive":[1,{"op":2},{"op":"read","value":"x"}]}})");
  ASSERT_TRUE(odd);
  EXPECT_THAT(odd->memory_working_bytes, Optional(0U));
  EXPECT_THAT(odd->network_rx_bytes, Optional(0U));
  EXPECT_THAT(odd->block_read_bytes, Optional(0U));
}

}  // namespace
}  // namespace rollcall::docker
