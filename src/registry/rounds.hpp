#pragma once
// Meets the other nodes every so often: tells them of the heartbeats heard here, and hears of theirs. Runs on the
// registry's executor; what it learns is in the roster, what the roster says is carried out by the keeper.
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "registry/cluster.hpp"
#include "registry/lease_keeper.hpp"

namespace rollcall {

class Rounds : public std::enable_shared_from_this<Rounds> {
 public:
  /// The log had come so far at `as_of` or later.
  using Met = std::function<void(Revision, MonoTime as_of)>;

  /// `parts.cluster` is there. From now on the keeper judges as the roster says.
  Rounds(const Registry::Parts& parts, std::shared_ptr<LeaseKeeper> keeper);

  /// Blocks, before the executors run: what it brings waits for start().
  [[nodiscard]] Result<void> join();
  void start(Met met);
  /// Tells what was heard last, and is no member afterwards. Calls `done`, whatever came of it.
  void leave(Task done);

  // ---- any thread ----
  /// False: the others may have gone on without this node, and with them who was heard of here.
  [[nodiscard]] bool in_touch() const noexcept;
  [[nodiscard]] ClusterView view() const;

 private:
  using MeetingDone = std::function<void(const Result<Minutes>&)>;

  void meet();
  void collect(Report& report, LeaseTime since);
  void send(Report report, LeaseTime at, MonoTime began);
  void met(const Result<Minutes>& minutes, LeaseTime at, MonoTime began);
  void join_again();
  void learn(const Minutes& minutes, MonoTime began);
  void merge(const std::vector<Digest>& digests);
  void note_failure(const Error& error);
  void publish(const Minutes& minutes);
  [[nodiscard]] ClusterView::Node node_of(const Member& member, NodeId reaper) const;
  void hold_offices(const std::vector<std::string>& held);
  void leave_with(Report report);
  void meet_again(MonoTime began);
  void on_cluster_executor(std::function<Result<Minutes>(Membership&)> call, MeetingDone done);

  const Registry::Parts parts_;
  const ClusterParts cluster_;
  const std::shared_ptr<LeaseKeeper> keeper_;
  const std::shared_ptr<Roster> roster_;
  Met met_;
  Minutes joined_;                           ///< until start()
  LeaseTime told_up_to_ = LeaseTime::min();  ///< the others know of every beat before
  /// Beats heard here since then that digests of the others hide: those count as heard when they are read, and may be
  /// older.
  std::vector<std::pair<InstanceNumber, LeaseTime>> hidden_;
  Duration interval_;
  bool meeting_ = false;
  Task leaving_;

  std::atomic<std::int64_t> met_at_{0};  ///< MonoTime at which the last meeting that came about had begun
  mutable std::mutex mutex_;
  ClusterView view_;  // guarded by mutex_
};

}  // namespace rollcall
