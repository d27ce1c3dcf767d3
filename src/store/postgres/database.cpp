#include "store/postgres/database.hpp"

#include "base/random.hpp"
#include "store/postgres/schema.hpp"

namespace rollcall::postgres {
namespace {

constexpr std::uint64_t kGenerationMax = (std::uint64_t{1} << 53) - 1;

Generation generation_for_new_log(Generation wanted) {
  SystemRandom random;
  return wanted ? wanted : Generation{1 + random.next() % kGenerationMax};
}

}  // namespace

Db<Database> open_database(const PostgresOptions& options, const ConnectionInfo& info, OpenMode mode) {
  auto connection = Connection::open(info, options.waits.connect_timeout);
  if (!connection) return std::unexpected(std::move(connection.error()));
  if (auto fine = check_encoding(*connection); !fine) return std::unexpected(std::move(fine.error()));
  const auto patience = options.waits.request_timeout;
  auto done = use_schema(*connection, options.schema, patience);
  if (done && mode == OpenMode::first) {
    done = migrate(*connection, options.schema, migrations(), generation_for_new_log(options.generation));
  }
  if (!done) return std::unexpected(std::move(done.error()));
  const auto generation = generation_of(*connection, options.schema, patience);
  if (!generation) return std::unexpected(generation.error());
  if (auto ready = connection->prepare(statements(), patience); !ready) {
    return std::unexpected(std::move(ready.error()));
  }
  return Database{std::move(*connection), *generation, patience};
}

Db<void> check_encoding(const Connection& connection) {
  const auto encoding = connection.parameter("server_encoding");
  if (encoding == "UTF8") return {};
  return damaged("the database's encoding is " + encoding + " and has to be UTF8");
}

Error to_error(const Failure& failure) {
  auto message = "PostgreSQL: " + failure.message;
  if (!failure.sqlstate.empty()) message += " (SQLSTATE " + failure.sqlstate + ")";
  // Class 42: our own statements are right, so the tables aren't. 42501 is a right that the role lacks.
  const bool tables_differ = failure.sqlstate.starts_with("42") && failure.sqlstate != "42501";
  const bool incompatible = failure.kind == Failure::Kind::damaged || tables_differ;
  return {incompatible ? ErrorCode::incompatible : ErrorCode::unavailable, std::move(message), {}};
}

}  // namespace rollcall::postgres
