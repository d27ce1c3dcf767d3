#pragma once
#include "store/postgres/log_tables.hpp"

namespace rollcall::postgres {

struct PruneStep {
  std::vector<Call> calls;  ///< what drops it; empty: nothing is due
  Revision compacted;       ///< after it
  bool more = false;
};

/// Plans one bounded piece of history and of tombstones. Inside a transaction that holds the head.
[[nodiscard]] Db<PruneStep> plan_prune(Database& database, const PostgresOptions& options, const Head& head,
                                       WallTime now);

}  // namespace rollcall::postgres
