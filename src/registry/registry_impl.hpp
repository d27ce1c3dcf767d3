#pragma once
// The inside of the registry: what its thread keeps, in three files. registry.cpp has entering, start and end;
// write_queue.cpp what goes to the Store; log_following.cpp what comes from it unasked.
#include <deque>
#include <mutex>

#include "registry/counters.hpp"
#include "registry/freshness.hpp"
#include "registry/growth.hpp"
#include "registry/inbox.hpp"
#include "registry/lease_keeper.hpp"
#include "registry/registry.hpp"
#include "registry/rounds.hpp"
#include "registry/write_batch.hpp"

namespace rollcall {

struct Registry::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(const Parts& given);

  using CaughtUp = std::move_only_function<void(Result<void>)>;
  struct CatchUp {
    CaughtUp done;
    MonoTime since;
  };

  const Parts parts;
  const std::shared_ptr<LeaseKeeper> keeper;
  const std::shared_ptr<Rounds> rounds;                               // null where this node is alone
  const std::shared_ptr<Growth> growth = std::make_shared<Growth>();  // the Store, which tells it, may outlive us
  Inbox inbox;

  // Any thread.
  RegistryCounters counters;
  Freshness freshness;
  mutable std::mutex mutex;
  std::string unwritable;  // guarded by mutex: why, empty while writable

  // The registry's thread.
  std::deque<Pending> queue;
  std::uint64_t handled = 0;  // every request up to here has been planned
  std::optional<WriteBatch> in_flight;
  bool recovering = false;                // reads what came of a commit
  std::vector<Reaper::Verdict> in_doubt;  // of that commit
  std::size_t doubtful = 0;               // requests that wait until this node has caught up
  bool following = false;                 // reads what others have written
  bool pausing = false;                   // that waits a little
  MonoTime committed_at{};                // when the last commit came back
  MonoTime asked_at{};                    // when the commit or read that is under way began
  std::vector<CatchUp> catching_up;       // wait for the next commit or read
  std::vector<CatchUp> being_caught_up;   // for the one under way
  Task drained;
  MonoTime prune_due{};

  // ---- entering, start and end ----
  void submit(Request request, Done done);
  /// Where this node is alone, a lease that is there hasn't been judged. Another may know better who isn't there: the
  /// queue finds out.
  [[nodiscard]] BeatResult told(BeatResult met) const noexcept {
    if (met == BeatResult::ok) return met;
    if (met == BeatResult::late) return rounds ? met : BeatResult::ok;
    return rounds ? BeatResult::undecided : met;
  }
  [[nodiscard]] Result<void> load();
  void start();
  void ticked();
  void prune();
  void measure_store();
  void marks_saved(const Result<void>& saved);
  void finish_drain();

  // ---- the one queue ----
  /// What a commit or a read brings begins where the catalog ends: there is one of them at a time.
  [[nodiscard]] bool is_busy() const { return in_flight || recovering || following; }
  void step();
  bool plan_batch();
  void plan_requests(WriteBatch& batch);
  [[nodiscard]] bool is_overdue(const InstanceId& id) const;
  void plan_verdicts(WriteBatch& batch);
  void settle_claim_first(const Pending& pending, WriteBatch& batch);
  void commit();
  void committed(const Result<CommitResult>& result);
  void judge_anew();
  void settle(const std::function<void(WriteBatch&, const WriteBatch::Followers&)>& with);
  void queue_again(std::vector<Pending> again);
  void check(std::vector<Pending> doubted);
  void apply(std::span<const EventPtr> events);
  void set_writable(std::string why_not);
  void take_back(const Reaper::Verdict& verdict);
  void refuse_waiting(std::string_view why, Duration longer_than = Duration{0});
  void answer_late();

  // ---- other handles write too: what a commit doesn't bring is read ----
  void follow_others();
  void pause_following(Duration pause);
  void answer_and_recover(const Error& failure);
  void read_on();
  void read_again(Duration pause, void (*how)(Impl&));
  void cannot_read(const Error& why);
  void caught_up();
  void replace_state(const Snapshot& snapshot);
  void met(Revision log, MonoTime as_of);
  void ask();
  void answered(const Result<void>& result);
};

}  // namespace rollcall
