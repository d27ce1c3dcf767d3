#include "store/postgres/postgres_log.hpp"

#include <fmt/format.h>

#include <optional>
#include <unordered_set>
#include <vector>

#include "base/random.hpp"
#include "store/mark_chunk.hpp"
#include "store/postgres/event_columns.hpp"
#include "store/postgres/log_statements.hpp"
#include "store/postgres/log_tables.hpp"
#include "store/postgres/schema.hpp"

namespace rollcall {
namespace postgres {
namespace {

constexpr std::uint64_t kGenerationMax = (std::uint64_t{1} << 53) - 1;
constexpr std::size_t kEventsAtOnce = 500;
constexpr std::size_t kChunksAtOnce = 100;
/// Of what others may hold: a session that was killed may take a moment to end.
constexpr std::chrono::milliseconds kLockPatience{6'000};
constexpr std::chrono::seconds kComesBackWithin{10};
/// Of the other side: a disk, a pipe, a file that is slow to come.
constexpr std::chrono::minutes kOthersPatience{10};

template <class T>
Result<T> told(Db<T> done) {
  if (!done) return std::unexpected(to_error(done.error()));
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return std::move(*done);
  }
}

Db<Connection> connect(const PostgresOptions& options, const ConnectionInfo& info) {
  auto connection = Connection::open(info, options.waits.connect_timeout);
  if (!connection) return connection;
  const auto patience = options.waits.request_timeout;
  if (auto done = use_schema(*connection, options.schema, patience); !done) return std::unexpected(done.error());
  auto waits = connection->execute(
      fmt::format("SET idle_in_transaction_session_timeout = '{}min'", kOthersPatience.count()), patience);
  if (!waits) return std::unexpected(std::move(waits.error()));
  return connection;
}

Result<void> execute(Connection& connection, const std::string& sql) {
  const auto done = connection.execute(sql, kLockPatience);
  return done ? Result<void>() : std::unexpected(to_error(done.error()));
}

/// Within a transaction, until whose end no daemon can join or report. One that is a member is alive while its session
/// has its name, and may be about to come back if it has reported a moment ago.
Result<void> keep_daemons_out(Connection& connection, const std::string& schema) {
  auto locked =
      execute(connection, fmt::format("SET LOCAL lock_timeout = {}; LOCK TABLE nodes IN SHARE ROW EXCLUSIVE MODE",
                                      kLockPatience.count() / 2));
  if (!locked) return locked;
  const auto living = connection.execute(
      fmt::format("SELECT name FROM nodes WHERE reported_at > clock_timestamp() - interval '{} s' OR NOT"
                  " pg_try_advisory_xact_lock(hashtext('rollcall node'), hashtext('{} ' || name)) LIMIT 1",
                  kComesBackWithin.count(), schema),
      kLockPatience);
  if (!living) return std::unexpected(to_error(living.error()));
  if (living->size() == 0) return {};
  return fail(ErrorCode::conflict, fmt::format("the daemon {} uses the schema {}, or did so less than {} s ago",
                                               living->bytes(0, 0), schema, kComesBackWithin.count()));
}

Db<Connection> connect_to_make(const PostgresOptions& options, const ConnectionInfo& info) {
  auto connection = connect(options, info);
  if (!connection) return connection;
  SystemRandom random;
  const Generation generation{1 + random.next() % kGenerationMax};
  auto done = check_encoding(*connection);
  if (done) done = migrate(*connection, options.schema, migrations(), generation);
  if (!done) return std::unexpected(std::move(done.error()));
  return connection;
}

class PostgresLogSource final : public LogSource {
 public:
  PostgresLogSource(PostgresOptions options, ConnectionInfo info, bool alone)
      : options_(std::move(options)), info_(std::move(info)), alone_(alone) {}

  Result<void> read(LogSink& sink) override {
    connection_.reset();
    auto connection = told(connect(options_, info_));
    if (!connection) return std::unexpected(std::move(connection.error()));
    connection_.emplace(std::move(*connection));
    if (auto found = find_log(); !found) return found;
    if (auto begun = begin(); !begun) return begun;
    if (auto done = read_head(sink); !done) return done;
    if (auto done = read_events(sink); !done) return done;
    if (auto done = read_marks(sink); !done) return done;
    return read_outboxes(sink);
  }

 private:
  /// Whether there is one, of this program's version or an older one.
  Result<void> find_log() {
    const auto patience = options_.waits.request_timeout;
    const auto found = connection_->execute("SELECT to_regclass('head') IS NULL", patience);
    if (!found) return std::unexpected(to_error(found.error()));
    if (found->bytes(0, 0) == "t") {
      return fail(ErrorCode::not_found, "there is no log in the schema " + options_.schema + " of that database");
    }
    const auto generation = generation_of(*connection_, options_.schema, patience);
    return generation ? Result<void>() : std::unexpected(to_error(generation.error()));
  }

  /// The lock comes before the first look, which decides what is seen.
  Result<void> begin() {
    auto done =
        execute(*connection_, fmt::format("BEGIN ISOLATION LEVEL REPEATABLE READ {}", alone_ ? "" : "READ ONLY"));
    if (done && alone_) done = keep_daemons_out(*connection_, options_.schema);
    if (done) done = told(connection_->prepare(log_statements(), options_.waits.request_timeout));
    return done;
  }

  Result<std::vector<Rows>> run(const std::vector<Call>& calls) {
    return told(connection_->run(calls, options_.waits.request_timeout));
  }

  Result<void> read_head(LogSink& sink) {
    const auto found = run({call(LogSql::whole_head)});
    if (!found) return std::unexpected(found.error());
    const Rows& rows = found->front();
    if (rows.size() != 1) return fail(ErrorCode::incompatible, "PostgreSQL: the log's head is missing");
    return sink.head({.generation = Generation{rows.number(0, 0)},
                      .revision = Revision{rows.number(0, 1)},
                      .number = InstanceNumber{rows.number(0, 2)},
                      .compacted = Revision{rows.number(0, 3)},
                      .lease_clock = std::chrono::milliseconds(static_cast<std::int64_t>(rows.number(0, 4)))});
  }

  Result<void> read_events(LogSink& sink) {
    Revision after;
    for (bool full = true; full;) {
      const auto page = run({call(LogSql::whole_events, Parameters().number(after.value).number(kEventsAtOnce))});
      if (!page) return std::unexpected(page.error());
      const Rows& rows = page->front();
      full = static_cast<std::size_t>(rows.size()) == kEventsAtOnce;
      std::vector<EventPtr> events;
      if (auto taken = told(take_events(rows, events)); !taken) return taken;
      for (int row = 0; row < rows.size(); ++row) {
        auto& event = events[static_cast<std::size_t>(row)];
        after = event->revision;
        const bool tombstone = !rows.is_null(row, 3) && rows.bytes(row, 3) == std::string_view("\1");
        if (auto done = sink.event({.event = std::move(event), .tombstone = tombstone}); !done) return done;
      }
    }
    return {};
  }

  Result<void> read_marks(LogSink& sink) {
    std::uint64_t from = 0;
    for (bool full = true; full;) {
      const auto page = run({call(LogSql::whole_marks, Parameters().number(from).number(kChunksAtOnce))});
      if (!page) return std::unexpected(page.error());
      const Rows& rows = page->front();
      full = static_cast<std::size_t>(rows.size()) == kChunksAtOnce;
      std::vector<LeaseMark> marks;
      for (int row = 0; row < rows.size(); ++row) {
        append_marks(rows.bytes(row, 1), InstanceNumber{rows.number(row, 0) * kChunkMarks}, marks);
        from = rows.number(row, 0) + 1;
      }
      for (const auto& mark : marks) {
        if (auto done = sink.mark(mark); !done) return done;
      }
    }
    return {};
  }

  Result<void> read_outboxes(LogSink& sink) {
    const auto found = run({call(LogSql::all_outboxes)});
    if (!found) return std::unexpected(found.error());
    const Rows& rows = found->front();
    for (int row = 0; row < rows.size(); ++row) {
      if (auto done = sink.outbox(rows.bytes(row, 0), Revision{rows.number(row, 1)}); !done) return done;
    }
    if (!alone_) connection_.reset();
    return {};
  }

  const PostgresOptions options_;
  const ConnectionInfo info_;
  const bool alone_;
  std::optional<Connection> connection_;  ///< in its transaction
};

class PostgresNewLog final : public NewLog {
 public:
  PostgresNewLog(const PostgresOptions& options, Connection connection)
      : schema_(options.schema), patience_(options.waits.request_timeout), connection_(std::move(connection)) {}

  Result<void> begin() {
    auto done = execute(connection_, "BEGIN");
    if (done) done = keep_daemons_out(connection_, schema_);
    // What a node that is no more has left would be taken for heartbeats of this log's instances.
    if (done) done = execute(connection_, "DELETE FROM nodes; DELETE FROM digests");
    if (done) done = told(connection_.prepare(log_statements(), patience_));
    if (!done) return done;
    const auto found = told(connection_.run({call(LogSql::whole_head_to_write)}, patience_));
    if (!found) return std::unexpected(found.error());
    const Rows& rows = found->front();
    if (rows.size() != 1) return fail(ErrorCode::incompatible, "PostgreSQL: the log's head is missing");
    if (rows.number(0, 1) == 0 && rows.number(0, 2) == 0) return {};
    return fail(ErrorCode::conflict,
                fmt::format("the schema {} has a log already, up to revision {}: choose another one (postgres.schema), "
                            "or ALTER SCHEMA {} RENAME TO ...",
                            schema_, rows.number(0, 1), schema_));
  }

  Result<void> head(const LogHead& head) override {
    return run(
        {call(LogSql::make_head, Parameters()
                                     .number(head.generation.value)
                                     .number(head.revision.value)
                                     .number(head.number.value)
                                     .number(head.compacted.value)),
         call(LogSql::set_lease_clock, Parameters().number(static_cast<std::uint64_t>(head.lease_clock.count())))});
  }

  Result<void> event(const KeptEvent& kept) override {
    events_.push_back(kept.event);
    const auto number = kept.event->instance->number;
    if (kept.event->kind == EventKind::removed && !kept.tombstone) {
      gone_.insert(number);
    } else {
      gone_.erase(number);
    }
    return events_.size() < kEventsAtOnce ? Result<void>() : write_events();
  }

  Result<void> mark(const LeaseMark& mark) override {
    if (auto done = write_events(); !done) return done;
    const std::uint64_t chunk = mark.number.value / kChunkMarks;
    if (!chunks_.empty() && chunks_.back().first != chunk && chunks_.size() == kChunksAtOnce) {
      if (auto done = write_chunks(); !done) return done;
    }
    if (chunks_.empty() || chunks_.back().first != chunk) chunks_.emplace_back(chunk, std::string());
    put_mark(chunks_.back().second, mark.number.value % kChunkMarks, mark.last_beat);
    return {};
  }

  Result<void> outbox(std::string_view name, Revision confirmed) override {
    return run({call(LogSql::put_outbox, Parameters().bytes(readable(name)).number(confirmed.value))});
  }

  Result<void> commit() override {
    if (auto done = write_events(); !done) return done;
    if (auto done = write_chunks(); !done) return done;
    if (auto done = run({call(LogSql::set_event_bytes, Parameters().number(bytes_))}); !done) return done;
    const auto done = connection_.run({call(LogSql::commit)}, patience_);
    if (done) return {};
    auto error = to_error(done.error());
    if (done.error().kind != Failure::Kind::refused) error.code = ErrorCode::unknown_outcome;
    return std::unexpected(std::move(error));
  }

 private:
  Result<void> run(const std::vector<Call>& calls) {
    const auto done = connection_.run(calls, patience_);
    return done ? Result<void>() : std::unexpected(to_error(done.error()));
  }

  Result<void> write_events() {
    if (events_.empty()) return {};
    auto columns = columns_of_events(events_);
    bytes_ += columns.bytes;
    Array gone(Type::number);
    for (const InstanceNumber number : gone_) gone.add(number.value);
    auto done = run({call(LogSql::insert_events, std::move(columns.parameters)),
                     call(LogSql::put_instances, columns_of_instances(events_)),
                     call(LogSql::drop_instances, Parameters().array(gone))});
    events_.clear();
    gone_.clear();
    return done;
  }

  Result<void> write_chunks() {
    if (chunks_.empty()) return {};
    Array keys(Type::number), contents(Type::bytes);
    for (const auto& [chunk, beats] : chunks_) {
      keys.add(chunk);
      contents.add(beats);
    }
    chunks_.clear();
    return run({call(LogSql::put_marks, Parameters().array(keys).array(contents))});
  }

  const std::string schema_;
  const std::chrono::milliseconds patience_;
  Connection connection_;
  std::vector<EventPtr> events_;                               ///< not written yet
  std::unordered_set<InstanceNumber> gone_;                    ///< after these, and without a tombstone
  std::vector<std::pair<std::uint64_t, std::string>> chunks_;  ///< not written yet
  std::uint64_t bytes_ = 0;                                    ///< of all events
};

}  // namespace
}  // namespace postgres

Result<std::unique_ptr<LogSource>> postgres_log_source(const PostgresOptions& options, bool alone) {
  auto info = postgres::read_connection_string(options.connection);
  if (!info) return std::unexpected(std::move(info.error()));
  return std::make_unique<postgres::PostgresLogSource>(options, std::move(*info), alone);
}

Result<std::unique_ptr<NewLog>> make_postgres_log(const PostgresOptions& options) {
  const auto info = postgres::read_connection_string(options.connection);
  if (!info) return std::unexpected(info.error());
  auto connection = postgres::connect_to_make(options, *info);
  if (!connection) return std::unexpected(postgres::to_error(connection.error()));
  auto log = std::make_unique<postgres::PostgresNewLog>(options, std::move(*connection));
  if (auto begun = log->begin(); !begun) return std::unexpected(std::move(begun.error()));
  return log;
}

}  // namespace rollcall
