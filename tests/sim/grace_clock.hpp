#pragma once
#include <algorithm>

#include "base/clock.hpp"

namespace rollcall::sim {

/// How much of the time that has passed was taken by faults: the measure of a union of intervals.
class GraceClock {
 public:
  /// Faults are reported in the order in which they begin.
  void add(MonoTime from, MonoTime to) {
    if (to <= until_) return;
    total_ += to - std::max(from, until_);
    until_ = to;
  }
  /// Up to `now`, which doesn't go back.
  [[nodiscard]] Duration total(MonoTime now) const { return total_ - std::max(Duration{0}, until_ - now); }

 private:
  MonoTime until_{};
  Duration total_{0};
};

}  // namespace rollcall::sim
