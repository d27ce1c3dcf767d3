#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"

namespace rollcall::sim {

/// All chance of a run. Each part forks a stream of its own, so that a new draw in one doesn't shift the others.
class SimRandom final : public Random {
 public:
  explicit SimRandom(std::uint64_t seed);

  [[nodiscard]] std::uint64_t next() noexcept override;
  [[nodiscard]] SimRandom fork(std::string_view name);

  /// 0 to bound - 1; `bound` > 0.
  [[nodiscard]] std::size_t below(std::size_t bound) noexcept;
  [[nodiscard]] bool chance(double probability) noexcept;
  [[nodiscard]] double unit() noexcept;  ///< 0 <= x < 1
  [[nodiscard]] Duration between(Duration low, Duration high) noexcept;
  /// Exponentially distributed, at most eight times the mean.
  [[nodiscard]] Duration about(Duration mean) noexcept;

  template <class T>
  [[nodiscard]] const T& pick(const std::vector<T>& from) noexcept {
    return from[below(from.size())];
  }

 private:
  Xoshiro256 state_;
};

}  // namespace rollcall::sim
