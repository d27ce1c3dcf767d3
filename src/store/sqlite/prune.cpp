#include "store/sqlite/prune.hpp"

#include <algorithm>
#include <limits>

namespace rollcall::sqlite {
namespace {

/// Free pages given back to the file system by one call.
constexpr int kPagesShrunk = 256;

/// What commits number by must not fall when the newest rows go.
Db<void> keep_position(SideTables& side, const BatchJudge::Position& position) {
  for (const auto& [key, value] :
       {std::pair{Meta::revision, position.revision.value}, {Meta::number, position.number.value}}) {
    if (auto set = side.set_meta(key, value); !set) return set;
  }
  return {};
}

Db<void> drop_tombstone(Database& database, const LogTables::TombstoneRow& row, Revision compacted) {
  if (auto done = database.log.erase_tombstone(row.revision); !done) return done;
  if (auto done = database.log.erase_instance(row.number); !done) return done;
  if (row.revision <= compacted) {
    if (auto done = database.log.erase_event(row.revision); !done) return done;
  }
  const auto chunk = SideTables::chunk_of(row.number);
  const auto in_use = database.log.has_instances(chunk.from, chunk.to);
  if (!in_use) return std::unexpected(in_use.error());
  if (*in_use) return {};
  return database.side.erase_chunk(row.number);
}

/// How many; as many as the bound allows when there may be more.
Db<std::size_t> drop_tombstones(Database& database, const SqliteOptions& options, Revision compacted, WallTime now) {
  const auto oldest = database.log.oldest_tombstones(options.limits.prune_events);
  if (!oldest) return std::unexpected(oldest.error());
  std::size_t dropped = 0;
  for (const auto& row : *oldest) {
    if (!past_life(row.removed_at, now, options.tombstone_life)) break;
    if (auto done = drop_tombstone(database, row, compacted); !done) return std::unexpected(done.error());
    ++dropped;
  }
  return dropped;
}

/// After it, `event` is the end of the compacted part: what it replaced is gone, and so is it, if it says that
/// something is no more and no tombstone needs it.
Db<void> compact(Database& database, const LogTables::OldEvent& event) {
  if (event.previous) {
    if (auto done = database.log.erase_event(event.previous); !done) return done;
  }
  if (!event.removal) return {};
  const auto kept = database.log.has_tombstone(event.revision);
  if (!kept) return std::unexpected(kept.error());
  if (*kept) return {};
  return database.log.erase_event(event.revision);
}

/// Events after it aren't confirmed by all outboxes.
Db<Revision> kept_for_outboxes(Database& database, const StoreLimits& limits) {
  Revision least{std::numeric_limits<std::uint64_t>::max()};
  for (const auto& name : limits.outboxes) {
    const auto position = database.side.outbox(name);
    if (!position) return std::unexpected(position.error());
    least = std::min(least, position->value_or(least));
  }
  return least;
}

Db<PruneStep> drop_events(Database& database, const SqliteOptions& options, Revision compacted, WallTime now) {
  const auto sizes = sizes_of(database.connection);
  if (!sizes) return std::unexpected(sizes.error());
  const bool too_big = sizes->used > options.limits.history_bytes;
  const bool may_keep = sizes->used <= options.limits.outbox_bytes;
  const auto kept_after = kept_for_outboxes(database, options.limits);
  if (!kept_after) return std::unexpected(kept_after.error());
  const auto oldest = database.log.oldest_after(compacted, options.limits.prune_events);
  if (!oldest) return std::unexpected(oldest.error());
  PruneStep step{.compacted = compacted, .more = oldest->size() == options.limits.prune_events};
  for (const auto& event : *oldest) {
    const bool is_due = too_big || past_life(event.at, now, options.limits.history_age);
    if (!is_due || (may_keep && event.revision > *kept_after)) {
      step.more = false;
      break;
    }
    if (auto done = compact(database, event); !done) return std::unexpected(done.error());
    step.compacted = event.revision;
  }
  return step;
}

}  // namespace

Db<PruneStep> prune_step(Database& database, const SqliteOptions& options, const BatchJudge::Position& position,
                         Revision compacted, WallTime now) {
  const auto tombstones = drop_tombstones(database, options, compacted, now);
  if (!tombstones) return std::unexpected(tombstones.error());
  auto step = drop_events(database, options, compacted, now);
  if (!step) return step;
  step->more = step->more || *tombstones == options.limits.prune_events;
  step->changed = *tombstones != 0 || step->compacted != compacted;
  if (!step->changed) return step;
  if (auto kept = keep_position(database.side, position); !kept) return std::unexpected(kept.error());
  auto set = database.side.set_meta(Meta::compacted, step->compacted.value);
  if (set) set = database.connection.execute("PRAGMA incremental_vacuum(" + std::to_string(kPagesShrunk) + ")");
  if (!set) return std::unexpected(set.error());
  return step;
}

}  // namespace rollcall::sqlite
