#pragma once
#include "store/batch_judge.hpp"
#include "store/sqlite/database.hpp"

namespace rollcall::sqlite {

struct PruneStep {
  Revision compacted;  ///< after it
  bool more = false;
  bool changed = false;
};

/// Drops one bounded piece of history and of tombstones. Inside a write transaction.
[[nodiscard]] Db<PruneStep> prune_step(Database& database, const SqliteOptions& options,
                                       const BatchJudge::Position& position, Revision compacted, WallTime now);

}  // namespace rollcall::sqlite
