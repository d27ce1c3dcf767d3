#pragma once
// The Store contract: what puts events in one order and makes them durable.
//
// A Store is a handle on a log. Several handles may share one log (two nodes, one database); each sees every event of
// the others and of its own in the same order. Every method blocks, and is called from one thread at a time (StoreQueue
// runs it on a thread of its own). A failure is a value; after one that isn't `conflict` the handle is still usable.
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "model/event.hpp"

namespace rollcall {

/// What the rules want to happen. `instance.modified` says after which of its events the change comes (0: none). The
/// Store sets it to the new revision, and gives `number` and `created` where they are 0. Several changes of one id may
/// stand in a batch: a later one follows the earlier one's revision and takes its number, even if the writer left both
/// at 0.
struct Change {
  EventKind kind = EventKind::registered;
  Instance instance;
  Cause cause;
  WallTime at;
  Term term{};  ///< 0; or a `conflict` unless the log's reaper is still the one of this term (store/membership.hpp)
};

/// Changes that were judged against the log up to `seen`, each also against the ones before it in the batch.
struct ChangeBatch {
  Revision seen;
  std::vector<Change> changes;
};

struct CommitResult {
  /// One per change, in order: its revision; or `conflict`, when another handle has touched its id after `seen`.
  std::vector<Result<Revision>> outcomes;
  /// Every event after `seen`, in order, this batch's own included.
  std::vector<EventPtr> events;
};

/// A removed id, kept for a while so that a delayed request of its session is told so.
struct Tombstone {
  InstancePtr instance;  ///< its last state; `modified` is the removal's revision
  WallTime removed_at;
};

struct Snapshot {
  Generation generation;
  Revision revision;  ///< the state is exactly what the events up to here make
  std::vector<InstancePtr> instances;
  std::vector<Tombstone> tombstones;
};

/// A range of the log. Newest first or oldest first; at most `limit` events, and a bounded number looked at.
struct HistoryQuery {
  Filter filter;
  Revision after;                  ///< exclusive
  std::optional<Revision> before;  ///< exclusive
  std::optional<WallTime> since, until;
  std::size_t limit = 1000;
  bool newest_first = true;
};

struct HistoryPage {
  std::vector<EventPtr> events;
  /// Where to go on: the next query's `before` (newest first) or `after` (oldest first). Empty: there is no more.
  std::optional<Revision> resume;
};

/// When an instance was last heard of, on the lease clock: a clock that stands still while the daemon is down or
/// stopped.
struct LeaseMark {
  InstanceNumber number;
  std::chrono::milliseconds last_beat{0};
};

struct LeaseMarks {
  std::chrono::milliseconds now{0};  ///< the lease clock when they were last saved
  std::vector<LeaseMark> marks{};
  Term term{};  ///< of the reaper whose clock it is; 0 where only one node ever is
};

struct StoreHealth {
  bool writable = true;
  std::string detail;       ///< why not, for people
  std::uint64_t bytes = 0;  ///< on disk
  Revision oldest;          ///< the first revision that history still has in full
};

class Store {
 public:
  virtual ~Store() = default;

  /// Hears that the log has grown, at least up to the revision given.
  using Grown = std::move_only_function<void(Revision)>;

  /// Once, before any other call: `grown` is called soon after another handle may have added events, and when a lost
  /// connection that would have told of them is back. From any thread, one at a time, and not once the Store is being
  /// destroyed. Own commits and the same revision again may be told of too. It must neither block nor call a Store.
  /// Never called by an engine with one handle a log (SQLite).
  virtual void on_growth(Grown grown) = 0;

  /// The whole state now.
  [[nodiscard]] virtual Result<Snapshot> snapshot() = 0;

  /// One durable step: when it returns a value, every change with a revision survives a crash. Fails whole with
  /// `unavailable` (surely not done: disk full, read-only) or `unknown_outcome` (perhaps done); after the latter the
  /// caller calls read() until it succeeds, which tells, before it commits again. `compacted`: `seen` is too old.
  [[nodiscard]] virtual Result<CommitResult> commit(const ChangeBatch& batch) = 0;

  /// Events after `after`, oldest first, at most `limit`. `compacted` when some of them are no longer kept.
  [[nodiscard]] virtual Result<std::vector<EventPtr>> read(Revision after, std::size_t limit) = 0;

  /// The instances as they were right after `revision`. `compacted` when that isn't known any more.
  [[nodiscard]] virtual Result<std::vector<InstancePtr>> state_at(Revision revision, const Filter& filter) = 0;

  /// What is still kept of the past; never `compacted`.
  [[nodiscard]] virtual Result<HistoryPage> history(const HistoryQuery& query) = 0;

  /// The events of one instance number, newest first, found from its newest revision by their `previous`.
  [[nodiscard]] virtual Result<std::vector<EventPtr>> history_of(Revision newest, std::size_t limit) = 0;

  /// Moves the saved lease clock and adds to or replaces the marks given; others stay. Durable when it returns.
  /// `conflict`: they were saved in a later term.
  [[nodiscard]] virtual Result<void> save_leases(const LeaseMarks& marks) = 0;

  /// The clock, its term and every mark as last saved; zero and empty at first. A mark belongs to one incarnation: the
  /// commit of a `registered` event forgets it. Marks of removed instances may be left out.
  [[nodiscard]] virtual Result<LeaseMarks> load_leases() = 0;

  /// Up to where the outbox of that name has confirmed; nothing when it never began in this log.
  [[nodiscard]] virtual Result<std::optional<Revision>> outbox_position(std::string_view outbox) = 0;
  [[nodiscard]] virtual Result<void> save_outbox_position(std::string_view outbox, Revision confirmed) = 0;

  /// Drops history beyond the configured age and size, a bounded piece per call, and tombstones past their life. What
  /// one of StoreLimits::outboxes has begun and not confirmed stays, until there is too much of it.
  /// True when there is more to do.
  [[nodiscard]] virtual Result<bool> prune(WallTime now) = 0;

  [[nodiscard]] virtual StoreHealth health() = 0;
};

}  // namespace rollcall
