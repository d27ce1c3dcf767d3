#include "store/postgres/prune.hpp"

#include <unordered_set>

namespace rollcall::postgres {
namespace {

/// Rows of events and instances that go.
struct Dropped {
  Array revisions{Type::number}, numbers{Type::number};
  std::unordered_set<std::uint64_t> tombstones;  ///< by their instance number
};

void drop_tombstones(const Rows& due, Revision compacted, Dropped& dropped) {
  for (int row = 0; row < due.size(); ++row) {
    const std::uint64_t number = due.number(row, 0);
    const Revision removal{due.number(row, 1)};
    dropped.numbers.add(number);
    dropped.tombstones.insert(number);
    if (removal <= compacted) dropped.revisions.add(removal.value);
  }
}

/// After it, the event is the end of the compacted part: what it replaced is gone, and so is it, if it says that
/// something is no more and no tombstone needs it.
void compact(const Rows& oldest, int row, Dropped& dropped) {
  if (const std::uint64_t previous = oldest.number(row, 1); previous != 0) dropped.revisions.add(previous);
  const bool is_removal = oldest.bytes(row, 4) == std::string_view("\1", 1);
  const bool kept = !oldest.is_null(row, 3) && !dropped.tombstones.contains(oldest.number(row, 3));
  if (is_removal && !kept) dropped.revisions.add(oldest.number(row, 0));
}

Array names_of_outboxes(const StoreLimits& limits) {
  Array names(Type::text);
  for (const auto& name : limits.outboxes) names.add(name);
  return names;
}

/// Whether an event has to go, and may.
class Due {
 public:
  /// `least_outbox`: the answer to that question.
  Due(const StoreLimits& limits, const Head& head, const Rows& least_outbox, WallTime now)
      : limits_(limits),
        now_(now),
        too_big_(head.event_bytes > limits.history_bytes),
        may_keep_(head.event_bytes <= limits.outbox_bytes && !least_outbox.is_null(0, 0)),
        kept_after_(may_keep_ ? least_outbox.number(0, 0) : 0) {}

  [[nodiscard]] bool operator()(std::uint64_t revision, WallTime at) const {
    if (!too_big_ && !past_life(at, now_, limits_.history_age)) return false;
    return !may_keep_ || revision <= kept_after_;
  }

 private:
  const StoreLimits& limits_;
  const WallTime now_;
  const bool too_big_, may_keep_;
  const std::uint64_t kept_after_;
};

/// Up to where. `more`: there may be more that are due than were looked at.
Revision drop_events(const Rows& oldest, const StoreLimits& limits, const Head& head, const Due& due, Dropped& dropped,
                     bool& more) {
  Revision compacted = head.compacted;
  for (int row = 0; row < oldest.size(); ++row) {
    if (!due(oldest.number(row, 0), oldest.time(row, 2))) return compacted;
    compact(oldest, row, dropped);
    compacted = Revision{oldest.number(row, 0)};
  }
  more = more || static_cast<std::size_t>(oldest.size()) == limits.prune_events;
  return compacted;
}

}  // namespace

Db<PruneStep> plan_prune(Database& database, const PostgresOptions& options, const Head& head, WallTime now) {
  const auto& limits = options.limits;
  const auto found = database.run({call(Sql::due_tombstones, Parameters()
                                                                 .time(now - options.tombstone_life)
                                                                 .time(now + options.tombstone_life)
                                                                 .number(limits.prune_events)),
                                   call(Sql::oldest_events, Parameters().number(limits.prune_events)),
                                   call(Sql::least_outbox, Parameters().array(names_of_outboxes(limits)))});
  if (!found) return std::unexpected(found.error());
  const Rows& due = found->at(0);
  Dropped dropped;
  drop_tombstones(due, head.compacted, dropped);
  PruneStep step{.calls = {}, .compacted = {}, .more = static_cast<std::size_t>(due.size()) == limits.prune_events};
  step.compacted = drop_events(found->at(1), limits, head, Due(limits, head, found->at(2), now), dropped, step.more);
  if (due.size() == 0 && step.compacted == head.compacted) return step;
  const auto numbers = Parameters().array(dropped.numbers);
  step.calls = {call(Sql::drop_events, Parameters().array(dropped.revisions).number(step.compacted.value)),
                call(Sql::drop_instances, numbers)};
  if (due.size() != 0) {
    for (const auto sql : {Sql::lease_clock, Sql::forget_marks, Sql::drop_chunks}) {
      step.calls.push_back(call(sql, sql == Sql::lease_clock ? Parameters() : numbers));
    }
  }
  return step;
}

}  // namespace rollcall::postgres
