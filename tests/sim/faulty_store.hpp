#pragma once
// A Store between the registry and a real engine that fails as disks and machines do (style.md 24).
#include <functional>
#include <memory>

#include "disk.hpp"
#include "lease_rules.hpp"
#include "log_model.hpp"
#include "node.hpp"
#include "support/forwarding_store.hpp"

namespace rollcall::sim {

/// Troubles of the disk that the engines don't see. They outlive the process.
struct DiskState {
  MonoTime full_until{};
};

/// Also tells the model what has become durable, and checks that the Store is used as its contract says.
class FaultyStore final : public testing::ForwardingStore {
 public:
  FaultyStore(Node& node, Store& engine, LogModel& log, Disk& disk, const DiskState& state, LeaseRules& leases);

  void on_growth(Grown grown) override;
  /// What others have written while the node was cut off: the connection that tells of it is back.
  void tell_missed();

  [[nodiscard]] Result<Snapshot> snapshot() override;
  [[nodiscard]] Result<CommitResult> commit(const ChangeBatch& batch) override;
  [[nodiscard]] Result<std::vector<EventPtr>> read(Revision after, std::size_t limit) override;
  [[nodiscard]] Result<void> save_leases(const LeaseMarks& marks) override;
  [[nodiscard]] Result<LeaseMarks> load_leases() override;
  [[nodiscard]] Result<bool> prune(WallTime now) override;
  [[nodiscard]] StoreHealth health() override;

  /// The revision of the snapshot that was last taken.
  [[nodiscard]] Revision snapshot_at() const noexcept { return snapshot_at_; }

 private:
  enum class Fate { done, refused, half_way, crash };

  [[nodiscard]] Fate draw_fate();
  [[nodiscard]] bool disk_is_full() const;
  [[nodiscard]] bool read_fails();
  void spend_time();
  void note_fault(std::string_view what);
  /// What the engine says: a failure of its own, after which it is in doubt, must come from the disk.
  void judge(const Error& error);
  void tell_model();
  void hear_of(Revision newest);
  /// The reaper's office has passed on: what its holder before would have ended lives.
  void check_terms(const ChangeBatch& batch, const CommitResult& result);
  /// That is no fault, where several share the log.
  [[nodiscard]] bool is_answer(ErrorCode code) const;
  /// As another process on the same log would prune it.
  void lose_history_meanwhile();
  [[nodiscard]] Result<CommitResult> commit_for_sure(const ChangeBatch& batch);
  [[nodiscard]] Result<CommitResult> commit_half_way(const ChangeBatch& batch, bool crash);

  Node& node_;
  World& world_;
  Store& engine_;
  LogModel& log_;
  Disk& disk_;
  const DiskState& state_;
  LeaseRules& leases_;
  SimRandom random_;
  std::shared_ptr<Grown> grown_;
  bool must_read_ = false;
  bool started_ = false;
  Revision snapshot_at_;
  std::optional<MonoTime> failed_at_;  ///< when the disk last failed the engine
  bool in_doubt_ = false;              ///< the engine itself doesn't know what became of a commit
};

}  // namespace rollcall::sim
