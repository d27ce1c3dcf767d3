#include "store/sqlite/connection.hpp"

namespace rollcall::sqlite {
namespace {

Failure failure_of(sqlite3* handle) { return {sqlite3_extended_errcode(handle), sqlite3_errmsg(handle)}; }

}  // namespace

Error to_error(const Failure& failure, std::string_view path) {
  std::string message(path);
  switch (failure.primary()) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      message += " is damaged: " + failure.message + ". Restore it from a backup, or move it away to start empty";
      return {ErrorCode::incompatible, std::move(message), {}};
    case SQLITE_FULL:
      message += " can't grow: the disk is full";
      break;
    case SQLITE_BUSY:
      message += " is held by another process for too long";
      break;
    default:
      message += ": " + failure.message + " (SQLite code " + std::to_string(failure.code) + ")";
  }
  return {ErrorCode::unavailable, std::move(message), {}};
}

Statement& Statement::bind(int index, std::uint64_t value) noexcept {
  sqlite3_bind_int64(statement_.get(), index, static_cast<sqlite3_int64>(value));
  return *this;
}

Statement& Statement::bind_blob(int index, std::string_view value) noexcept {
  sqlite3_bind_blob64(statement_.get(), index, value.data(), value.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_text(int index, std::string_view value) noexcept {
  const char* data = value.empty() ? "" : value.data();  // a null pointer would bind NULL
  sqlite3_bind_text64(statement_.get(), index, data, value.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Db<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  auto failure = failure_of(sqlite3_db_handle(statement_.get()));
  reset();
  return std::unexpected(std::move(failure));
}

Db<void> Statement::run() {
  const auto row = step();
  if (!row) return std::unexpected(row.error());
  if (*row) reset();
  return {};
}

std::uint64_t Statement::number(int column) const noexcept {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_.get(), column));
}

std::string_view Statement::bytes(int column) const noexcept {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return data == nullptr ? std::string_view() : std::string_view(static_cast<const char*>(data), size);
}

Db<Connection> Connection::open(const std::string& path, int flags, const std::string& vfs) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX,
                                   vfs.empty() ? nullptr : vfs.c_str());
  if (handle == nullptr) return db_fail(SQLITE_NOMEM, "no memory for a connection");
  Connection connection(handle);
  if (code != SQLITE_OK) return std::unexpected(failure_of(handle));
  return connection;
}

Db<void> Connection::execute(const std::string& sql) {
  if (sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return std::unexpected(failure_of(handle()));
  }
  return {};
}

Db<Statement> Connection::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                      &statement, nullptr);
  if (code == SQLITE_OK) return Statement(statement);
  auto failure = failure_of(handle());
  // Our own sentences are right: then the tables aren't.
  if (failure.code == SQLITE_ERROR) failure.code = SQLITE_CORRUPT;
  return std::unexpected(std::move(failure));
}

Db<std::uint64_t> Connection::ask(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  const auto row = statement->step();
  if (!row) return std::unexpected(row.error());
  return *row ? statement->number(0) : 0;
}

Db<std::string> Connection::ask_text(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  const auto row = statement->step();
  if (!row) return std::unexpected(row.error());
  return *row ? std::string(statement->bytes(0)) : std::string();
}

Db<Transaction> Transaction::begin(Connection& connection, Kind kind) {
  const auto begun = connection.execute(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN");
  if (!begun) return std::unexpected(begun.error());
  return Transaction(connection);
}

Transaction::~Transaction() {
  if (connection_ != nullptr && connection_->in_transaction()) {
    // SQLite rolls back by itself after the failures that would make this fail.
    static_cast<void>(connection_->execute("ROLLBACK"));
  }
}

Db<void> Transaction::commit() { return connection_->execute("COMMIT"); }

}  // namespace rollcall::sqlite
