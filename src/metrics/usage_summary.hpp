#pragma once
// What a service used over a window, out of its instances' points.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "metrics/usage_history.hpp"

namespace rollcall {

struct UsageFigures {
  double cpu_percent = 0;
  double memory_bytes = 0;
  std::optional<double> memory_working_bytes;  ///< none where one of those summed up has none
};

/// One instance: means over its points, and the counters of its newest.
struct TaskUsage {
  InstanceId id;
  UsageFigures mean;
  UsagePoint newest;
};

/// Mean, highest and sum over the tasks. Counters are summed up over those that have them.
struct UsageSummary {
  UsageFigures mean, max, sum;
  std::optional<std::uint64_t> network_rx_bytes, network_tx_bytes;
  std::optional<std::uint64_t> block_read_bytes, block_write_bytes;
  WallTime newest;  ///< of any
  std::vector<TaskUsage> tasks;
};

/// Without the points before `from`, but for an instance's newest.
[[nodiscard]] std::vector<InstanceUsage> within(std::vector<InstanceUsage> instances, WallTime from);

/// Nothing without a point.
[[nodiscard]] std::optional<UsageSummary> summarize(std::span<const InstanceUsage> instances);

/// The mean over the instances that have points between `at` and `at` + the width.
struct UsageStep {
  WallTime at;
  double cpu_percent = 0;
  double memory_bytes = 0;
  std::size_t tasks = 0;
};

/// Steps of that width, the oldest first; those without points are left out.
[[nodiscard]] std::vector<UsageStep> steps_of(std::span<const InstanceUsage> instances,
                                              std::chrono::milliseconds width);

}  // namespace rollcall
