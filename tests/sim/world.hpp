#pragma once
// What every part of a run shares: the seed's chance, virtual time, the trace, the verdict.
#include <optional>

#include "base/ids.hpp"
#include "config.hpp"
#include "grace_clock.hpp"
#include "scheduler.hpp"
#include "sim_random.hpp"
#include "trace.hpp"

namespace rollcall::sim {

/// Monotonic time is the scheduler's. Wall time may be set wrong, which must decide nothing.
class SimClock final : public Clock {
 public:
  explicit SimClock(const Scheduler& scheduler) : scheduler_(scheduler) {}
  [[nodiscard]] MonoTime now() const noexcept override { return scheduler_.now(); }
  [[nodiscard]] WallTime wall_now() const noexcept override {
    return WallTime{std::chrono::milliseconds(1'700'000'000'000)} +
           std::chrono::floor<std::chrono::milliseconds>(now().time_since_epoch() + wall_offset_);
  }
  void set_wall_offset(Duration offset) noexcept { wall_offset_ = offset; }

 private:
  const Scheduler& scheduler_;
  Duration wall_offset_{0};
};

struct World {
  World(std::uint64_t seed, std::size_t nodes, bool print_trace)
      : random(seed), config(draw_config(random, nodes)), trace(print_trace), clock(scheduler) {}
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] MonoTime now() const noexcept { return scheduler.now(); }

  template <class... Args>
  void note(fmt::format_string<Args...> format, Args&&... args) {
    trace.line(now(), format, std::forward<Args>(args)...);
  }

  /// From here for `duration`, work may be late: what must happen in time gets that much more.
  void excuse(Duration duration) { grace.add(now(), now() + duration); }
  [[nodiscard]] Duration excused() const { return grace.total(now()); }

  void store_failed() {
    last_store_fault = now();
    excused_at_store_fault = excused();
  }
  /// Whether a fault of the Store explains an error: since then there was little time in which the process could act.
  [[nodiscard]] bool store_failed_lately() const {
    constexpr Duration kAftermath = std::chrono::seconds{20};
    return last_store_fault && now() - *last_store_fault - (excused() - excused_at_store_fault) <= kAftermath;
  }

  SimRandom random;
  Config config;
  Scheduler scheduler;
  Trace trace;
  Verdict verdict;
  SimClock clock;
  GraceClock grace;
  bool quiet = false;  ///< the end of a run: no more faults or actions, all must settle
  std::optional<MonoTime> last_store_fault;
  Duration excused_at_store_fault{0};
  MonoTime commit_began{};  ///< of the commit that is going on: its decisions are older
  Term newest_term;         ///< of a reaper, that some node was told of
};

}  // namespace rollcall::sim
