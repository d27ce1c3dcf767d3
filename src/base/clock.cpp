#include "base/clock.hpp"

namespace rollcall {

MonoTime SystemClock::now() const noexcept { return std::chrono::steady_clock::now(); }

WallTime SystemClock::wall_now() const noexcept {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace rollcall
