#pragma once
// Keeps the leases in time: ticks, asks the I/O threads before judging, gives slots back, and writes marks down. Runs
// on the registry's executor; what has to be committed waits in the reaper for the queue.
#include <functional>
#include <memory>

#include "registry/lease_clock.hpp"
#include "registry/reaper.hpp"
#include "registry/registry.hpp"

namespace rollcall {

class LeaseKeeper : public std::enable_shared_from_this<LeaseKeeper> {
 public:
  struct Hooks {
    std::function<std::uint64_t()> queued_so_far;   ///< the sequence number of the last request that has entered
    std::function<void()> ticked;                   ///< after each tick and each judgement: verdicts may wait
    std::function<void(Result<void>)> marks_saved;  ///< the Store could be written to, or why not
  };

  explicit LeaseKeeper(const Registry::Parts& parts) : parts_(parts), reaper_(leases_) {}

  // ---- any thread ----
  [[nodiscard]] LeaseTable& leases() noexcept { return leases_; }
  [[nodiscard]] LeaseTime now() const { return clock_.now(parts_.clock.now()); }

  // ---- the registry's executor, or before it runs ----
  [[nodiscard]] Reaper& reaper() noexcept { return reaper_; }

  /// The leases of `instances`, from what was written down before the last end.
  void load(const std::vector<InstancePtr>& instances, LeaseMarks marks);

  void start(Hooks hooks);
  void follow(const Event& event);
  /// The same for all events between two states of an instance, where they can't be read any more; null: it isn't
  /// there.
  void catch_up(const InstancePtr& before, const InstancePtr& after);
  /// Asks the Store soon whether it takes writes again.
  void probe_store();
  /// Writes everything down once more, and calls `done`, whatever came of it.
  void save_last(Task done);
  [[nodiscard]] bool saving() const noexcept { return saving_; }

 private:
  void tick();
  void look();
  void reclaim();
  void save_if_due();
  void save(LeaseTable::Marks found, Task done);
  void note_ttl(std::chrono::milliseconds ttl);
  [[nodiscard]] std::chrono::milliseconds save_interval() const;

  const Registry::Parts parts_;
  LeaseTable leases_;
  LeaseClock clock_;
  Reaper reaper_;
  Hooks hooks_;
  bool judging_ = false;
  bool reclaiming_ = false;
  bool saving_ = false;
  bool store_in_doubt_ = false;  // write even if there is nothing to write
  LeaseTime saved_up_to_{};
  LeaseTime save_due_{};
  std::chrono::milliseconds shortest_ttl_{std::chrono::milliseconds::max()};
};

}  // namespace rollcall
