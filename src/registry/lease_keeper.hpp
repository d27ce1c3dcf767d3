#pragma once
// Keeps the leases in time: ticks, asks the I/O threads before judging, gives slots back, and writes marks down. Runs
// on the registry's executor; what has to be committed waits in the reaper for the queue.
#include <functional>
#include <memory>

#include "registry/lease_clock.hpp"
#include "registry/reaper.hpp"
#include "registry/registry.hpp"
#include "registry/roster.hpp"

namespace rollcall {

class LeaseKeeper : public std::enable_shared_from_this<LeaseKeeper> {
 public:
  struct Hooks {
    std::function<std::uint64_t()> queued_so_far;   ///< the sequence number of the last request that has entered
    std::function<void()> ticked;                   ///< after each tick and each judgement: verdicts may wait
    std::function<void(Result<void>)> marks_saved;  ///< the Store could be written to, or why not
  };

  /// Without a roster this node is the only one, and judges.
  explicit LeaseKeeper(const Registry::Parts& parts) : parts_(parts), reaper_(leases_) {}
  void judge_by(std::shared_ptr<Roster> roster) noexcept { roster_ = std::move(roster); }

  // ---- any thread ----
  [[nodiscard]] LeaseTable& leases() noexcept { return leases_; }
  [[nodiscard]] LeaseTime now() const { return clock_.now(parts_.clock.now()); }

  // ---- the registry's executor, or before it runs ----
  [[nodiscard]] Reaper& reaper() noexcept { return reaper_; }
  [[nodiscard]] bool judges() const noexcept { return roster_ == nullptr || roster_->is_reaper(); }
  [[nodiscard]] Term term() const noexcept { return roster_ == nullptr ? Term{} : roster_->term(); }

  /// The leases of `instances`, from what was written down before the last end.
  void load(const std::vector<InstancePtr>& instances, LeaseMarks marks);

  void start(Hooks hooks);
  void follow(const Event& event);
  /// The same for all events between two states of an instance, where they can't be read any more; null: it isn't
  /// there.
  void catch_up(const InstancePtr& before, const InstancePtr& after);
  /// Asks the Store soon whether it takes writes again.
  void probe_store();
  /// Writes everything down once more, if it is this node's to do, and calls `done`, whatever came of it.
  void save_last(Task done);
  [[nodiscard]] bool saving() const noexcept { return saving_; }

 private:
  void tick();
  void look();
  void reclaim();
  void save_if_due();
  void save(LeaseTable::Marks found, Task done);
  void ask_store();
  void note_saved(LeaseTime at, Term term);
  [[nodiscard]] LeaseTime saved_since() const;
  void note_ttl(std::chrono::milliseconds ttl);
  [[nodiscard]] std::chrono::milliseconds save_interval() const;

  const Registry::Parts parts_;
  LeaseTable leases_;
  LeaseClock clock_;
  Reaper reaper_;
  std::shared_ptr<Roster> roster_;
  Hooks hooks_;
  bool judging_ = false;
  bool reclaiming_ = false;
  bool saving_ = false;
  bool store_in_doubt_ = false;  // write even if there is nothing to write
  LeaseTime saved_up_to_{};
  Term saved_in_;  // whose clock the marks are on
  LeaseTime save_due_{};
  std::chrono::milliseconds shortest_ttl_{std::chrono::milliseconds::max()};
};

}  // namespace rollcall
