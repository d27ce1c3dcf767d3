#pragma once
#include <algorithm>
#include <cstddef>

#include "base/clock.hpp"

namespace rollcall::probe {

/// So many turns a second, handed out in the order asked for. Pure: it tells when, whoever asked waits.
class RateLimiter {
 public:
  explicit RateLimiter(std::size_t per_second) : step_(std::chrono::seconds(1)) {
    step_ /= std::max<std::size_t>(per_second, 1);
  }

  /// When the next turn is; never earlier than `now`. Unused time isn't saved up, so there are no bursts.
  [[nodiscard]] MonoTime reserve(MonoTime now) {
    const MonoTime turn = std::max(next_, now);
    next_ = turn + step_;
    return turn;
  }

 private:
  Duration step_;
  MonoTime next_;
};

}  // namespace rollcall::probe
