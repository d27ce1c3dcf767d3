#include "metrics/usage_summary.hpp"

#include <algorithm>
#include <map>

namespace rollcall {
namespace {

void add(UsageFigures& sum, const UsageFigures& more) {
  sum.cpu_percent += more.cpu_percent;
  sum.memory_bytes += more.memory_bytes;
  if (sum.memory_working_bytes && more.memory_working_bytes) {
    *sum.memory_working_bytes += *more.memory_working_bytes;
  } else {
    sum.memory_working_bytes.reset();
  }
}

void raise(UsageFigures& max, const UsageFigures& other) {
  max.cpu_percent = std::max(max.cpu_percent, other.cpu_percent);
  max.memory_bytes = std::max(max.memory_bytes, other.memory_bytes);
  if (max.memory_working_bytes && other.memory_working_bytes) {
    max.memory_working_bytes = std::max(*max.memory_working_bytes, *other.memory_working_bytes);
  } else {
    max.memory_working_bytes.reset();
  }
}

UsageFigures shared_by(UsageFigures sum, std::size_t count) {
  const auto parts = static_cast<double>(count);
  sum.cpu_percent /= parts;
  sum.memory_bytes /= parts;
  if (sum.memory_working_bytes) *sum.memory_working_bytes /= parts;
  return sum;
}

UsageFigures figures_of(const UsageSample& usage) {
  UsageFigures figures{.cpu_percent = usage.cpu_percent,
                       .memory_bytes = static_cast<double>(usage.memory_bytes),
                       .memory_working_bytes = {}};
  if (usage.memory_working_bytes) figures.memory_working_bytes = static_cast<double>(*usage.memory_working_bytes);
  return figures;
}

UsageFigures mean_of(std::span<const UsagePoint> points) {
  auto sum = figures_of(points.front().usage);
  for (const auto& point : points.subspan(1)) add(sum, figures_of(point.usage));
  return shared_by(sum, points.size());
}

void add(std::optional<std::uint64_t>& sum, const std::optional<std::uint64_t>& more) {
  if (more) sum = sum.value_or(0) + *more;
}

void add_counters(UsageSummary& summary, const UsageSample& usage) {
  add(summary.network_rx_bytes, usage.network_rx_bytes);
  add(summary.network_tx_bytes, usage.network_tx_bytes);
  add(summary.block_read_bytes, usage.block_read_bytes);
  add(summary.block_write_bytes, usage.block_write_bytes);
}

using Steps = std::map<std::int64_t, UsageStep>;

void add_to(Steps& steps, std::span<const UsagePoint> points, std::chrono::milliseconds width) {
  const auto number_of = [width](const UsagePoint& point) { return point.at.time_since_epoch() / width; };
  while (!points.empty()) {
    const auto number = number_of(points.front());
    const auto later = std::ranges::find_if(points, [&](const auto& point) { return number_of(point) != number; });
    const auto count = static_cast<std::size_t>(later - points.begin());
    const auto mean = mean_of(points.first(count));
    auto& step = steps.try_emplace(number, UsageStep{.at = WallTime(width * number)}).first->second;
    step.cpu_percent += mean.cpu_percent;
    step.memory_bytes += mean.memory_bytes;
    ++step.tasks;
    points = points.subspan(count);
  }
}

}  // namespace

std::vector<InstanceUsage> within(std::vector<InstanceUsage> instances, WallTime from) {
  for (auto& [id, points] : instances) {
    if (points.empty()) continue;
    const auto first = std::ranges::lower_bound(points, from, {}, &UsagePoint::at);
    points.erase(points.begin(), std::min(first, points.end() - 1));
  }
  return instances;
}

std::optional<UsageSummary> summarize(std::span<const InstanceUsage> instances) {
  UsageSummary summary;
  for (const auto& instance : instances) {
    if (instance.points.empty()) continue;
    const TaskUsage task{instance.id, mean_of(instance.points), instance.points.back()};
    if (summary.tasks.empty()) {
      summary.sum = summary.max = task.mean;
    } else {
      add(summary.sum, task.mean);
      raise(summary.max, task.mean);
    }
    add_counters(summary, task.newest.usage);
    summary.newest = std::max(summary.newest, task.newest.at);
    summary.tasks.push_back(task);
  }
  if (summary.tasks.empty()) return std::nullopt;
  summary.mean = shared_by(summary.sum, summary.tasks.size());
  return summary;
}

std::vector<UsageStep> steps_of(std::span<const InstanceUsage> instances, std::chrono::milliseconds width) {
  Steps steps;
  for (const auto& instance : instances) add_to(steps, instance.points, width);
  std::vector<UsageStep> result;
  for (auto& [number, step] : steps) {
    step.cpu_percent /= static_cast<double>(step.tasks);
    step.memory_bytes /= static_cast<double>(step.tasks);
    result.push_back(step);
  }
  return result;
}

}  // namespace rollcall
