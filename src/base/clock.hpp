#pragma once
// Time is injected (style.md 19): nothing in src/ but SystemClock asks the system.
#include <chrono>

namespace rollcall {

/// Judges leases and deadlines. Never compared across processes.
using MonoTime = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// For people and for history. May jump; decides nothing.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual MonoTime now() const noexcept = 0;
  [[nodiscard]] virtual WallTime wall_now() const noexcept = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] MonoTime now() const noexcept override;
  [[nodiscard]] WallTime wall_now() const noexcept override;
};

/// Seconds since the epoch, as the wire formats of the systems that Rollcall replaces have it.
[[nodiscard]] inline double epoch_seconds(WallTime time) noexcept {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

}  // namespace rollcall
