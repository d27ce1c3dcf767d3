#pragma once
// Judges leases: which are due, which have really run out, what follows from events. Plain synchronous code of one
// thread; the registry carries out what it says.
#include <deque>
#include <optional>
#include <vector>

#include "registry/due_list.hpp"
#include "registry/lease_table.hpp"
#include "registry/rules.hpp"

namespace rollcall {

class Reaper {
 public:
  /// A verdict that a commit has yet to carry out.
  struct Verdict {
    LeaseTable::Handle lease;
    Request request;      ///< Expire or Bury
    std::uint64_t after;  ///< requests that entered the queue up to here go first
    LeaseTime last_beat;  ///< if there has been one since, it is void
    Term term{};          ///< it was passed in
  };

  /// Leases that were silent for a ttl when looked at; to be judged once the I/O threads have read what lay there.
  struct Suspects {
    std::vector<LeaseTable::Handle> leases;
    LeaseTime looked_at{};
    [[nodiscard]] bool empty() const noexcept { return leases.empty(); }
  };

  explicit Reaper(LeaseTable& leases) : leases_(leases) {}

  /// What an applied event means for the lease of its instance. `now` is its last beat where the event stands for one.
  void follow(const Event& event, LeaseTime now);
  /// The lease of an instance that was in the Store at start. Without a mark it was heard of just before the end.
  void adopt(const Instance& instance, std::optional<LeaseTime> last_beat, LeaseTime now);

  /// From now on verdicts are passed in this term, and no lease runs from before `floor`.
  void hold(Term term, LeaseTime floor) noexcept {
    term_ = term;
    floor_ = floor;
  }
  /// Instead of look(), by who doesn't judge: what is due by `now` is looked at again at `when`.
  void put_off(LeaseTime now, std::size_t limit, LeaseTime when);

  /// Leases to look at by `now`, at most `limit`. Those heard of meanwhile are put off; lapsed ones that are due are
  /// queued as verdicts.
  [[nodiscard]] Suspects look(LeaseTime now, std::size_t limit, std::uint64_t queued_so_far);
  /// Claims those that are still silent and queues the verdicts.
  void judge(const Suspects& suspects, std::uint64_t queued_so_far);

  /// The next verdict that may go, if all requests up to `handled` have gone.
  [[nodiscard]] std::optional<Verdict> next_verdict(std::uint64_t handled);
  /// Its commit didn't happen: the lease lives on and is looked at again at `when`.
  void take_back(const Verdict& verdict, LeaseTime when);

 private:
  void watch(LeaseTable::Handle lease, LeaseTime when) { due_.add(lease, when); }
  [[nodiscard]] LeaseTime runs_out(LeaseTime last_beat, const LeaseTable::Terms& terms) const;
  [[nodiscard]] LeaseTime buried_at(LeaseTable::Handle lapsed) const;

  LeaseTable& leases_;
  DueList due_;
  std::deque<Verdict> verdicts_;
  Term term_;
  LeaseTime floor_ = LeaseTime::min();
};

}  // namespace rollcall
