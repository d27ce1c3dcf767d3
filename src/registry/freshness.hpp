#pragma once
#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/clock.hpp"
#include "base/ids.hpp"

namespace rollcall {

/// Since when this node may have missed something: it has all that the log held at that moment. Any thread reads, the
/// owner writes.
class Freshness {
 public:
  /// The log had come to `log` at `as_of` or later; here it is applied up to `applied`.
  void log_was_at(Revision log, MonoTime as_of, Revision applied) noexcept {
    if (applied >= log) return note(as_of);
    if (!awaited_) awaited_ = {log, as_of};
  }

  void applied(Revision revision) noexcept {
    if (awaited_ && awaited_->log <= revision) note(std::exchange(awaited_, std::nullopt)->as_of);
  }

  [[nodiscard]] MonoTime as_of() const noexcept {
    return MonoTime{MonoTime::duration(as_of_.load(std::memory_order_relaxed))};
  }

 private:
  void note(MonoTime as_of) noexcept {
    const auto count = as_of.time_since_epoch().count();
    if (count > as_of_.load(std::memory_order_relaxed)) as_of_.store(count, std::memory_order_relaxed);
  }

  struct Awaited {
    Revision log;
    MonoTime as_of;
  };
  std::optional<Awaited> awaited_;  ///< the oldest that isn't applied yet
  std::atomic<MonoTime::duration::rep> as_of_{0};
};

}  // namespace rollcall
