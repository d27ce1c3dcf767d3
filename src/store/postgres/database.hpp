#pragma once
// A log's database, connected, migrated and ready.
#include "store/batch_judge.hpp"
#include "store/postgres/postgres_store.hpp"
#include "store/postgres/statements.hpp"

namespace rollcall::postgres {

enum class OpenMode : std::uint8_t {
  first,  ///< may make the log
  again,  ///< after a failure: the log must be there
};

struct Database {
  Connection connection;
  Generation generation;
  std::chrono::milliseconds patience;  ///< with each round trip

  [[nodiscard]] Db<std::vector<Rows>> run(const std::vector<Call>& calls) { return connection.run(calls, patience); }
};

[[nodiscard]] Db<Database> open_database(const PostgresOptions& options, const ConnectionInfo& info, OpenMode mode);

/// A log has texts that only UTF-8 can hold.
[[nodiscard]] Db<void> check_encoding(const Connection& connection);

/// A damaged, foreign or newer log is `incompatible`, everything else `unavailable`.
[[nodiscard]] Error to_error(const Failure& failure);

}  // namespace rollcall::postgres
