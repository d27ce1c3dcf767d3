#pragma once
#include <algorithm>
#include <atomic>

#include "registry/lease_table.hpp"

namespace rollcall {

/// The clock that leases are judged by: the monotonic clock less the time in which this daemon couldn't hear anybody,
/// because it was down, stopped or suspended. Any thread reads; the owner ticks.
class LeaseClock {
 public:
  /// How late a tick may be before the lateness counts as blindness.
  static constexpr Duration kTolerance = std::chrono::milliseconds{150};

  /// Goes on from what an earlier process had reached.
  void start(MonoTime now, LeaseTime reached) noexcept {
    offset_.store(now.time_since_epoch().count() - reached.count(), std::memory_order_relaxed);
    due_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }

  /// Doesn't run past a tick that is overdue: the time since may prove blind, and who is heard of before that tick
  /// would get it on top.
  [[nodiscard]] LeaseTime now(MonoTime now) const noexcept {
    const auto latest = due_.load(std::memory_order_relaxed) + kTolerance.count();
    return LeaseTime{std::min(now.time_since_epoch().count(), latest) - offset_.load(std::memory_order_relaxed)};
  }

  /// A tick that was due at the time announced with the last one. Gives back the time by which it is late beyond the
  /// tolerance: now() has stood still since then, and never goes back. Returns the blind time given back.
  Duration tick(MonoTime now, Duration until_next) noexcept {
    const Duration late = now.time_since_epoch() - Duration(due_.load(std::memory_order_relaxed));
    const Duration blind = std::max(late - kTolerance, Duration{0});
    if (blind > Duration{0}) offset_.fetch_add(blind.count(), std::memory_order_relaxed);
    due_.store((now + until_next).time_since_epoch().count(), std::memory_order_relaxed);
    return blind;
  }

 private:
  std::atomic<std::int64_t> offset_{0};
  std::atomic<std::int64_t> due_{0};
};
static_assert(std::is_same_v<Duration, std::chrono::nanoseconds>);

}  // namespace rollcall
