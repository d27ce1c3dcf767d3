#pragma once
// A batch beside what the log has of its instances.
#include "store/batch_judge.hpp"
#include "store/postgres/connection.hpp"
#include "store/revision_ranges.hpp"

namespace rollcall::postgres {

/// For Sql::latest_of.
[[nodiscard]] Parameters known_in(const ChangeBatch& batch);

/// The position after the batch, whose outcomes and events are added to `result`, behind the events that others have
/// made meanwhile. `latest`: the rows of Sql::latest_of. `own`: revisions that this handle has made.
[[nodiscard]] BatchJudge::Position judge_batch(const ChangeBatch& batch, BatchJudge::Position position,
                                               const Rows& latest, const RevisionRanges& own, CommitResult& result);

}  // namespace rollcall::postgres
