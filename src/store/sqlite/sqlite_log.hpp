#pragma once
// The log in an SQLite file as a whole (store/whole_log.hpp).
#include <memory>

#include "store/sqlite/sqlite_store.hpp"
#include "store/whole_log.hpp"

namespace rollcall {

/// Opens nothing yet. Reading it is a transaction beside whoever writes to the file, and changes nothing of it; what
/// the write-ahead log takes up meanwhile stays until it is over. `not_found`: there is no log at `options.path`.
[[nodiscard]] std::unique_ptr<LogSource> sqlite_log_source(SqliteOptions options);

/// Makes the log at `options.path`, where there may be nothing or a log without events; `conflict` if there is more.
/// One transaction in the write-ahead log, which takes the room twice until it is committed.
[[nodiscard]] Result<std::unique_ptr<NewLog>> make_sqlite_log(const SqliteOptions& options);

}  // namespace rollcall
