#include "metrics/usage_history.hpp"

#include <algorithm>

namespace rollcall {
namespace {

/// An instance's points grow by so many, so that what is reserved stays near to what is used.
constexpr std::size_t kGrowth = 8;
/// Of an instance, beside its points: its id, its place in the map, what is reserved.
constexpr std::size_t kInstanceBytes = 256 + kGrowth * sizeof(UsagePoint);

}  // namespace

bool is_running(const Instance& instance) {
  for (const auto& [key, value] : instance.spec.metadata) {
    if (key == "state" && instance.source == Source::swarm) return value == "running";
  }
  return instance.health != Status::critical;
}

std::optional<UsageSample> usage_in(const Sample& sample) {
  if (sample.usage) return sample.usage;
  if (!sample.orthanc || !sample.orthanc->cpu_percent || !sample.orthanc->memory_bytes) return std::nullopt;
  UsageSample usage;
  usage.cpu_percent = *sample.orthanc->cpu_percent;
  usage.memory_bytes = *sample.orthanc->memory_bytes;
  return usage;
}

void UsageHistory::add(const ServiceName& service, const InstanceId& id, const UsagePoint& point) {
  const std::scoped_lock lock(mutex_);
  if (point.at - swept_ >= limits_.step || point.at < swept_) {
    drop_older_than(point.at - limits_.history);
    swept_ = point.at;
  }
  if (used() + kInstanceBytes + sizeof(UsagePoint) > limits_.history_bytes) halve();
  const bool full = used() + kInstanceBytes + sizeof(UsagePoint) > limits_.history_bytes;
  auto known = services_.find(service);
  if (full && (known == services_.end() || !known->second.contains(id))) return;
  auto& instances = known == services_.end() ? services_[service] : known->second;
  const auto [place, is_new] = instances.try_emplace(id);
  if (is_new) ++instances_;
  put(place->second, point);
}

void UsageHistory::put(Points& points, const UsagePoint& point) {
  const auto before = points.size();
  while (!points.empty() && points.back().at >= point.at) points.pop_back();  // the wall clock was set back
  if (points.size() >= 2 && point.at - points[points.size() - 2].at < limits_.step) points.pop_back();
  if (points.size() == points.capacity()) points.reserve(points.size() + kGrowth);
  points.push_back(point);
  points_ = points_ + points.size() - before;
}

std::vector<InstanceUsage> UsageHistory::since(const ServiceName& service, WallTime from) const {
  std::vector<InstanceUsage> found;
  const std::scoped_lock lock(mutex_);
  const auto known = services_.find(service);
  if (known == services_.end()) return found;
  for (const auto& [id, points] : known->second) {
    const auto first = std::ranges::lower_bound(points, from, {}, &UsagePoint::at);
    if (first != points.end()) found.push_back({id, {first, points.end()}});
  }
  return found;
}

std::vector<ServiceName> UsageHistory::services(std::size_t most) const {
  std::vector<ServiceName> names;
  const std::scoped_lock lock(mutex_);
  for (const auto& [name, instances] : services_) {
    if (names.size() == most) break;
    names.push_back(name);
  }
  return names;
}

std::size_t UsageHistory::size() const {
  const std::scoped_lock lock(mutex_);
  return instances_;
}

std::size_t UsageHistory::bytes() const {
  const std::scoped_lock lock(mutex_);
  return used();
}

std::size_t UsageHistory::used() const noexcept { return instances_ * kInstanceBytes + points_ * sizeof(UsagePoint); }

void UsageHistory::drop_oldest(Points& points, std::size_t count) {
  points.erase(points.begin(), points.begin() + static_cast<std::ptrdiff_t>(count));
  points.shrink_to_fit();
  points_ -= count;
}

void UsageHistory::drop_older_than(WallTime cutoff) {
  for (auto service = services_.begin(); service != services_.end();) {
    auto& instances = service->second;
    for (auto& [id, points] : instances) {
      const auto first = std::ranges::lower_bound(points, cutoff, {}, &UsagePoint::at);
      if (first != points.begin()) drop_oldest(points, static_cast<std::size_t>(first - points.begin()));
    }
    instances_ -= std::erase_if(instances, [](const auto& instance) { return instance.second.empty(); });
    service = instances.empty() ? services_.erase(service) : std::next(service);
  }
}

void UsageHistory::halve() {
  for (auto& [name, instances] : services_) {
    for (auto& [id, points] : instances) drop_oldest(points, points.size() / 2);
  }
}

}  // namespace rollcall
