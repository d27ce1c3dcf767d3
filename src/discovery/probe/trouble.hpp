#pragma once
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.hpp"

namespace rollcall::probe {

/// What last kept a scanner from looking: told by the scanners, asked for by any thread.
class Trouble {
 public:
  void met(std::string what, MonoTime now) {
    const std::scoped_lock lock(mutex_);
    last_ = {std::move(what), now};
  }
  /// Empty when there was none from `since` on.
  [[nodiscard]] std::string from(MonoTime since) const {
    const std::scoped_lock lock(mutex_);
    return last_ && last_->at >= since ? last_->what : std::string();
  }

 private:
  struct Met {
    std::string what;
    MonoTime at;
  };
  mutable std::mutex mutex_;
  std::optional<Met> last_;  // guarded by mutex_
};

}  // namespace rollcall::probe
