#pragma once
// libpq's C interface as values with owners, with a bound on every wait. Nothing above this folder sees libpq-fe.h.
#include <libpq-fe.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "store/postgres/conninfo.hpp"
#include "store/postgres/parameters.hpp"

namespace rollcall::postgres {

/// What went wrong, and whether the server has surely not done it.
struct Failure {
  enum class Kind : std::uint8_t {
    refused,  ///< the server said so: the statement and its transaction are undone
    lost,     ///< the connection's end: what was sent may have been done
    silent,   ///< no answer in time: the same
    damaged,  ///< a row or table that can't be what this program wrote
  };
  Kind kind = Kind::lost;
  std::string message;   ///< for people, without secrets
  std::string sqlstate;  ///< five letters, empty where the server said nothing
};

template <class T>
using Db = std::expected<T, Failure>;

[[nodiscard]] inline std::unexpected<Failure> damaged(std::string message) {
  return std::unexpected(Failure{Failure::Kind::damaged, std::move(message), {}});
}

/// The rows of one statement. What bytes() gives lives as long as they do.
class Rows {
 public:
  explicit Rows(PGresult* result) noexcept : result_(result) {}

  [[nodiscard]] int size() const noexcept { return PQntuples(result_.get()); }
  [[nodiscard]] bool is_null(int row, int column) const noexcept {
    return PQgetisnull(result_.get(), row, column) != 0;
  }
  [[nodiscard]] std::string_view bytes(int row, int column) const noexcept;
  /// Of a bigint in binary.
  [[nodiscard]] std::uint64_t number(int row, int column) const noexcept { return decode_number(bytes(row, column)); }
  [[nodiscard]] WallTime time(int row, int column) const noexcept { return decode_time(bytes(row, column)); }

 private:
  struct Clear {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

/// A statement of the prepared ones, by its index, with its values.
struct Call {
  std::size_t statement;
  Parameters parameters;
};

/// After a failure it is of no more use: close it, which ends what it had begun.
class Connection {
 public:
  /// To the first host that answers and is what was asked for; `patience` is each one's. As soon as the descriptor
  /// `end` can be read, every wait fails.
  [[nodiscard]] static Db<Connection> open(const ConnectionInfo& info, std::chrono::milliseconds patience,
                                           int end = -1);

  /// One or several statements in the simple protocol, before prepare(). The last one's rows, as texts.
  [[nodiscard]] Db<Rows> execute(const std::string& sql, std::chrono::milliseconds patience);
  /// In one round trip. From now on there is only run().
  [[nodiscard]] Db<void> prepare(std::span<const std::string> statements, std::chrono::milliseconds patience);
  /// All in one round trip, each one's rows in binary. The first that fails ends it.
  [[nodiscard]] Db<std::vector<Rows>> run(const std::vector<Call>& calls, std::chrono::milliseconds patience);

  /// What sessions that this one listens to have said; empty when nothing was heard for so long.
  [[nodiscard]] Db<std::vector<std::string>> notices(std::chrono::milliseconds patience);

  /// Of the server, as text; empty if it doesn't say.
  [[nodiscard]] std::string parameter(const char* name) const;

 private:
  struct Finish {
    void operator()(PGconn* handle) const noexcept { PQfinish(handle); }
  };
  Connection(PGconn* handle, const ConnectionInfo& info, int end)
      : handle_(handle), secrets_(info.secrets), end_(end) {}

  [[nodiscard]] static Db<Connection> open_one(const ConnectionInfo& info, const Keywords& host,
                                               std::chrono::milliseconds patience, int end);
  [[nodiscard]] PGconn* handle() const noexcept { return handle_.get(); }
  [[nodiscard]] Failure lost() const;
  /// Of a connection that didn't come about.
  [[nodiscard]] Failure refusal() const;
  [[nodiscard]] Failure failure_of(const PGresult* result) const;
  [[nodiscard]] Db<void> wait(short events, MonoTime deadline) const;
  [[nodiscard]] Db<void> flush(MonoTime deadline);
  /// The next result; null at a statement's end.
  [[nodiscard]] Db<PGresult*> next(MonoTime deadline);
  [[nodiscard]] Db<Rows> rows_of_statement(MonoTime deadline);
  [[nodiscard]] Db<void> end_of_round_trip(MonoTime deadline);

  std::unique_ptr<PGconn, Finish> handle_;
  std::vector<std::string> secrets_;
  int end_;  ///< not ours; -1: there is none
  SystemClock clock_;
};

}  // namespace rollcall::postgres
