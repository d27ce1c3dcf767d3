#pragma once
// The log in a schema of a PostgreSQL database as a whole (store/whole_log.hpp).
#include <memory>

#include "store/postgres/postgres_store.hpp"
#include "store/whole_log.hpp"

namespace rollcall {

/// Connects when it is read, in one transaction that sees one state. `not_found`: there is no log in it. `alone`:
/// `conflict` while a daemon uses the schema, and none joins until the source is gone.
[[nodiscard]] Result<std::unique_ptr<LogSource>> postgres_log_source(const PostgresOptions& options, bool alone);

/// Makes the log in its schema, where there may be nothing or a log without events; `conflict` if there is more or
/// a daemon uses it. What nobody commits leaves a log without events.
[[nodiscard]] Result<std::unique_ptr<NewLog>> make_postgres_log(const PostgresOptions& options);

}  // namespace rollcall
