#pragma once
// SQLite's C interface as values with owners. Nothing above this folder sees sqlite3.h.
#include <sqlite3.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"

namespace rollcall::sqlite {

/// What SQLite said.
struct Failure {
  int code = SQLITE_ERROR;  ///< extended
  std::string message;

  [[nodiscard]] int primary() const noexcept { return code & 0xFF; }
};

template <class T>
using Db = std::expected<T, Failure>;

[[nodiscard]] inline std::unexpected<Failure> db_fail(int code, std::string message) {
  return std::unexpected(Failure{code, std::move(message)});
}

/// For a row or page that can't be what this program wrote.
[[nodiscard]] inline std::unexpected<Failure> damaged(std::string message) {
  return db_fail(SQLITE_CORRUPT, std::move(message));
}

/// A damaged or foreign file is `incompatible`, everything else `unavailable`.
[[nodiscard]] Error to_error(const Failure& failure, std::string_view path);

/// A prepared statement. Parameters and columns of texts and blobs are borrowed until the next step or reset.
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* statement) noexcept : statement_(statement) {}

  Statement& bind(int index, std::uint64_t value) noexcept;
  Statement& bind_blob(int index, std::string_view value) noexcept;
  Statement& bind_text(int index, std::string_view value) noexcept;

  /// True: there is a row. False: done. Reset by itself when it is done or failed.
  [[nodiscard]] Db<bool> step();
  /// For statements without rows.
  [[nodiscard]] Db<void> run();
  void reset() noexcept { sqlite3_reset(statement_.get()); }

  [[nodiscard]] std::uint64_t number(int column) const noexcept;
  [[nodiscard]] std::string_view bytes(int column) const noexcept;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// Resets a statement whose rows aren't read to the end.
class ResetAtEnd {
 public:
  explicit ResetAtEnd(Statement& statement) noexcept : statement_(statement) {}
  ~ResetAtEnd() { statement_.reset(); }
  ResetAtEnd(const ResetAtEnd&) = delete;
  ResetAtEnd& operator=(const ResetAtEnd&) = delete;

 private:
  Statement& statement_;
};

class Connection {
 public:
  [[nodiscard]] static Db<Connection> open(const std::string& path, int flags, const std::string& vfs);

  [[nodiscard]] Db<void> execute(const std::string& sql);
  /// Kept for as long as the connection.
  [[nodiscard]] Db<Statement> prepare(std::string_view sql);
  /// The number in the first column of the first row, 0 when there is none.
  [[nodiscard]] Db<std::uint64_t> ask(std::string_view sql);
  /// The text there.
  [[nodiscard]] Db<std::string> ask_text(std::string_view sql);

  [[nodiscard]] bool in_transaction() const noexcept { return sqlite3_get_autocommit(handle_.get()) == 0; }
  [[nodiscard]] sqlite3* handle() const noexcept { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
  };
  explicit Connection(sqlite3* handle) noexcept : handle_(handle) {}
  std::unique_ptr<sqlite3, Close> handle_;
};

/// A transaction that rolls back unless it is committed.
class Transaction {
 public:
  enum class Kind : std::uint8_t { read, write };
  [[nodiscard]] static Db<Transaction> begin(Connection& connection, Kind kind);
  Transaction(Transaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  [[nodiscard]] Db<void> commit();

 private:
  explicit Transaction(Connection& connection) noexcept : connection_(&connection) {}
  Connection* connection_;
};

}  // namespace rollcall::sqlite
