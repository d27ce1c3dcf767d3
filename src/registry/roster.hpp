#pragma once
// What a node knows of the others that share its log, and what follows for leases. Pure: state and time alone.
//
// No clock is compared with another's. That another node has told of all beats up to a moment follows from causality:
// it had our report of that moment before it made its own. How long it has been silent is counted here, between our own
// meetings.
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "registry/lease_table.hpp"
#include "store/membership.hpp"

namespace rollcall {

class Roster {
 public:
  Roster(NodeId self, Duration fence_after) : self_(self), fence_after_(fence_after) {}

  /// A report that begins at `at`: it will tell of every beat up to then. Without digest and revision.
  [[nodiscard]] Report begin(LeaseTime at);

  /// What came of a meeting. `now` is later than all beats that it tells of.
  void learn(const Minutes& minutes, LeaseTime now);
  /// Of a meeting that made this node a member: others may have heard what nobody will tell it.
  void join(const Minutes& minutes, LeaseTime now);
  /// Everything heard up to `at` has been written down.
  void written_down(LeaseTime at);

  /// Up to here every node has told of its beats: leases may be judged by it. No later than the last meeting: another
  /// node may have joined since.
  [[nodiscard]] LeaseTime complete_up_to() const;
  /// Before this, everybody may have been heard of by a node that didn't tell: leases run from here at the earliest.
  [[nodiscard]] LeaseTime floor() const noexcept { return floor_; }
  [[nodiscard]] bool is_reaper() const noexcept { return static_cast<bool>(term_); }
  [[nodiscard]] Term term() const noexcept { return term_; }
  /// The meeting failed: offices may be another's by now.
  void lose_touch() noexcept { term_ = {}; }

  /// How long a member has said nothing, as far as this node could tell.
  [[nodiscard]] Duration silence_of(NodeId member) const;

 private:
  struct Other {
    Round round;        ///< of its last report
    Round heard_of_us;  ///< our report that it had when it made that
    Duration silent_for{0};
  };
  struct Heard {
    Round round;
    LeaseTime at;
  };

  void hear(const Minutes& minutes, LeaseTime now);
  void note(const Member& member, Duration since_last);
  void note_digests(const Minutes& minutes, LeaseTime now);
  [[nodiscard]] std::vector<NodeRound> to_fence() const;
  [[nodiscard]] std::vector<NodeRound> settled(LeaseTime now) const;

  const NodeId self_;
  const Duration fence_after_;
  Round round_;  ///< of our last report
  std::map<NodeId, Other> others_;
  std::map<NodeId, std::deque<Heard>> digests_;  ///< that have been merged, and when; our own too
  std::deque<Heard> reports_;                    ///< ours, and when they began
  std::vector<NodeRound> dropping_;              ///< digests that our last report let go
  std::optional<LeaseTime> learned_at_;
  LeaseTime met_up_to_ = LeaseTime::min();  ///< when the report of the last meeting that came about began
  LeaseTime written_down_ = LeaseTime::min();
  LeaseTime floor_ = LeaseTime::min();
  Term term_;
};

}  // namespace rollcall
