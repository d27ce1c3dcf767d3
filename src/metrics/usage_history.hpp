#pragma once
// What instances used over the last while, for figures over a window and for plots.
#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <vector>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "model/instance.hpp"
#include "model/sample.hpp"

namespace rollcall {

struct UsagePoint {
  WallTime at;
  UsageSample usage;
};

/// The points of one instance, the oldest first.
struct InstanceUsage {
  InstanceId id;
  std::vector<UsagePoint> points;
};

/// Whether samples of it are to be expected: a task says in which state it is; what else is found runs unless it
/// doesn't answer.
[[nodiscard]] bool is_running(const Instance& instance);

/// What a sample says of usage, whoever took it; nothing where it says nothing.
[[nodiscard]] std::optional<UsageSample> usage_in(const Sample& sample);

/// Any thread; a short lock. Instances that are gone stay for the time that the history reaches back, for the past of
/// their service.
class UsageHistory {
 public:
  explicit UsageHistory(const MetricsLimits& limits) : limits_(limits) {}

  /// The newest point always counts; those before it are kept about `step` apart. When all points together reach the
  /// bound of bytes, the older half of each instance's goes, and new instances wait for room.
  void add(const ServiceName& service, const InstanceId& id, const UsagePoint& point);

  /// In the order of ids; none of them without points.
  [[nodiscard]] std::vector<InstanceUsage> since(const ServiceName& service, WallTime from) const;

  /// In the order of names, at most so many.
  [[nodiscard]] std::vector<ServiceName> services(std::size_t most) const;
  /// Instances that have points.
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::size_t bytes() const;

 private:
  using Points = std::vector<UsagePoint>;
  using Instances = std::map<InstanceId, Points>;

  [[nodiscard]] std::size_t used() const noexcept;
  void put(Points& points, const UsagePoint& point);
  void drop_oldest(Points& points, std::size_t count);
  void drop_older_than(WallTime cutoff);
  void halve();

  const MetricsLimits limits_;
  mutable std::mutex mutex_;
  std::map<ServiceName, Instances> services_;  // guarded by mutex_, as are the others
  std::size_t points_ = 0;
  std::size_t instances_ = 0;
  WallTime swept_;
};

}  // namespace rollcall
