#pragma once
// A log's file, checked, migrated and ready.
#include "store/sqlite/connection.hpp"
#include "store/sqlite/log_tables.hpp"
#include "store/sqlite/side_tables.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace rollcall::sqlite {

struct Database {
  Connection connection;  // first, so that it is closed last
  LogTables log;
  SideTables side;
  Statement data_version;
  Generation generation;
};

enum class OpenMode : std::uint8_t {
  first,  ///< may make the log
  again,  ///< after a failure: the log must be there, and what the system has cached of it is made durable first
};

[[nodiscard]] Result<Database> open_database(const SqliteOptions& options, OpenMode mode);

/// Pages in use, and everything on disk including the write-ahead log.
struct Sizes {
  std::uint64_t used = 0, on_disk = 0;
};
[[nodiscard]] Db<Sizes> sizes_of(Connection& connection);

}  // namespace rollcall::sqlite
