#include "store/sqlite/schema.hpp"

#include <array>

namespace rollcall::sqlite {
namespace {

// Every key that commits touch is an integer, and rows of `events` are only ever appended: a commit changes the last
// page of each table, whatever the ids look like. A body is written once; `instances` says which event is the newest.
constexpr std::array kMigrations{
    Migration{1, R"(
CREATE TABLE events(revision INTEGER PRIMARY KEY, previous INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE instances(number INTEGER PRIMARY KEY, revision INTEGER NOT NULL);
CREATE TABLE tombstones(revision INTEGER PRIMARY KEY, number INTEGER NOT NULL);
CREATE TABLE meta(key INTEGER PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE lease_marks(chunk INTEGER PRIMARY KEY, beats BLOB NOT NULL);
CREATE TABLE outboxes(name TEXT PRIMARY KEY, confirmed INTEGER NOT NULL) WITHOUT ROWID;
)"},
};

}  // namespace

std::span<const Migration> migrations() noexcept { return kMigrations; }
std::uint32_t newest_version() noexcept { return kMigrations.back().version; }

Db<void> migrate(Connection& connection, std::span<const Migration> steps) {
  auto transaction = Transaction::begin(connection, Transaction::Kind::write);
  if (!transaction) return std::unexpected(transaction.error());
  const auto have = connection.ask("PRAGMA user_version");
  if (!have) return std::unexpected(have.error());
  if (*have > steps.back().version) return db_fail(SQLITE_SCHEMA, "it was written by a newer Rollcall");
  for (const Migration& step : steps) {
    if (step.version <= *have) continue;
    if (auto done = connection.execute(step.sql); !done) return done;
    auto marked = connection.execute("PRAGMA user_version=" + std::to_string(step.version));
    if (!marked) return marked;
  }
  return transaction->commit();
}

}  // namespace rollcall::sqlite
