#include "store/sqlite/sqlite_log.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <vector>

#include "store/event_row.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/file_check.hpp"

namespace rollcall {
namespace sqlite {
namespace {

constexpr Revision kEndOfTime{std::uint64_t{1} << 53};
constexpr std::size_t kMarksAtOnce = 8'000;

/// What one reading has in hand.
struct Readable {
  Connection connection;  // first, so that it is closed last
  LogTables log;
  SideTables side;
};

/// A log at rest is left as it was found when its last connection is closed, which has to remove what it has made; what
/// a crash has left, or a daemon has in hand, isn't this one's to touch.
Db<Readable> open_to_read(const SqliteOptions& options, bool at_rest) {
  const int flags = at_rest ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  auto connection = Connection::open(options.path, flags, options.vfs);
  if (!connection) return std::unexpected(connection.error());
  if (auto done = connection->execute("PRAGMA query_only=ON"); !done) return std::unexpected(done.error());
  sqlite3_busy_timeout(connection->handle(), static_cast<int>(options.tuning.busy_timeout.count()));
  const auto version = connection->ask("PRAGMA user_version");
  if (!version) return std::unexpected(version.error());
  if (*version != newest_version()) {
    return db_fail(SQLITE_SCHEMA, "it is an older Rollcall's: start the daemon on it once");
  }
  auto log = LogTables::prepare(*connection);
  if (!log) return std::unexpected(log.error());
  auto side = SideTables::prepare(*connection);
  if (!side) return std::unexpected(side.error());
  return Readable{std::move(*connection), std::move(*log), std::move(*side)};
}

Db<LogHead> head_of(LogTables& log, SideTables& side) {
  const auto newest_revision = log.newest_revision();
  if (!newest_revision) return std::unexpected(newest_revision.error());
  const auto newest_number = log.newest_number();
  if (!newest_number) return std::unexpected(newest_number.error());
  std::uint64_t values[5] = {};
  constexpr Meta kKeys[] = {Meta::generation, Meta::compacted, Meta::revision, Meta::number, Meta::lease_clock};
  for (std::size_t i = 0; i < std::size(kKeys); ++i) {
    const auto value = side.meta(kKeys[i]);
    if (!value) return std::unexpected(value.error());
    values[i] = *value;
  }
  return LogHead{.generation = Generation{values[0]},
                 .revision = Revision{std::max(newest_revision->value, values[2])},
                 .number = InstanceNumber{std::max(newest_number->value, values[3])},
                 .compacted = Revision{values[1]},
                 .lease_clock = std::chrono::milliseconds(static_cast<std::int64_t>(values[4]))};
}

class SqliteLogSource final : public LogSource {
 public:
  explicit SqliteLogSource(SqliteOptions options) : options_(std::move(options)) {}

  Result<void> read(LogSink& sink) override {
    const auto report = check_file(options_.path, options_.vfs, newest_version());
    if (!report) return std::unexpected(report.error());
    if (!report->exists) return fail(ErrorCode::not_found, "there is no log at " + options_.path);
    Result<void> taken;
    const auto done = read_all(!report->has_wal && !report->unfinished, sink, taken);
    if (!done) return std::unexpected(to_error(done.error(), options_.path));
    return taken;
  }

 private:
  /// `taken` is what the sink said; once it failed, the rest isn't read.
  Db<void> read_all(bool at_rest, LogSink& sink, Result<void>& taken) const {
    auto readable = open_to_read(options_, at_rest);
    if (!readable) return std::unexpected(readable.error());
    const auto transaction = Transaction::begin(readable->connection, Transaction::Kind::read);
    if (!transaction) return std::unexpected(transaction.error());
    const auto head = head_of(readable->log, readable->side);
    if (!head) return std::unexpected(head.error());
    taken = sink.head(*head);
    Db<void> done;
    if (taken) done = read_events(*readable, sink, taken);
    if (done && taken) done = read_marks(readable->side, sink, taken);
    if (done && taken) done = read_outboxes(readable->side, sink, taken);
    return done;
  }

  static Db<void> read_events(Readable& readable, LogSink& sink, Result<void>& taken) {
    return readable.log.scan({}, kEndOfTime, false, [&](const LogTables::Row& row) -> Db<bool> {
      auto event = read_row(row.revision, row.previous, row.body);
      if (!event) return damaged(event.error() + " (revision " + std::to_string(row.revision.value) + ")");
      KeptEvent kept{.event = std::move(*event), .tombstone = false};
      if (kept.event->kind == EventKind::removed) {
        const auto tombstone = readable.log.has_tombstone(row.revision);
        if (!tombstone) return std::unexpected(tombstone.error());
        kept.tombstone = *tombstone;
      }
      taken = sink.event(kept);
      return taken.has_value();
    });
  }

  static Db<void> read_marks(SideTables& side, LogSink& sink, Result<void>& taken) {
    return side.visit_marks([&](std::span<const LeaseMark> marks) {
      for (const LeaseMark& mark : marks) {
        if (taken) taken = sink.mark(mark);
      }
      return taken.has_value();
    });
  }

  static Db<void> read_outboxes(SideTables& side, LogSink& sink, Result<void>& taken) {
    const auto all = side.outboxes();
    if (!all) return std::unexpected(all.error());
    for (const auto& [name, confirmed] : *all) {
      if (taken) taken = sink.outbox(name, confirmed);
    }
    return {};
  }

  const SqliteOptions options_;
};

class SqliteNewLog final : public NewLog {
 public:
  /// `made`: what lies at the path is ours to remove.
  SqliteNewLog(std::string path, bool made, Database database)
      : path_(std::move(path)), made_(made), database_(std::move(database)) {}

  ~SqliteNewLog() override {
    transaction_.reset();
    database_.reset();
    if (!made_) return;
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(path_ + suffix, ignored);
  }
  SqliteNewLog(const SqliteNewLog&) = delete;
  SqliteNewLog& operator=(const SqliteNewLog&) = delete;

  Result<void> begin() {
    auto transaction = Transaction::begin(database_->connection, Transaction::Kind::write);
    if (!transaction) return failed(transaction.error());
    transaction_.emplace(std::move(*transaction));
    const auto head = head_of(database_->log, database_->side);
    if (!head) return failed(head.error());
    if (!head->revision && !head->number) return {};
    return fail(ErrorCode::conflict, path_ + " has a log already, up to revision " +
                                         std::to_string(head->revision.value) +
                                         ": move it away, with its -wal and -shm");
  }

  Result<void> head(const LogHead& head) override {
    const std::pair<Meta, std::uint64_t> values[] = {
        {Meta::revision, head.revision.value},
        {Meta::number, head.number.value},
        {Meta::compacted, head.compacted.value},
        {Meta::lease_clock, static_cast<std::uint64_t>(head.lease_clock.count())},
        {Meta::generation, head.generation ? head.generation.value : database_->generation.value}};
    for (const auto& [key, value] : values) {
      if (auto done = told(database_->side.set_meta(key, value)); !done) return done;
    }
    return {};
  }

  Result<void> event(const KeptEvent& kept) override {
    auto& log = database_->log;
    auto done = log.insert(*kept.event);
    if (done && kept.event->kind == EventKind::removed && !kept.tombstone) {
      done = log.erase_tombstone(kept.event->revision);
      if (done) done = log.erase_instance(kept.event->instance->number);
    }
    return told(std::move(done));
  }

  Result<void> mark(const LeaseMark& mark) override {
    marks_.push_back(mark);
    return marks_.size() < kMarksAtOnce ? Result<void>() : save_marks();
  }

  Result<void> outbox(std::string_view name, Revision confirmed) override {
    return told(database_->side.set_outbox(name, confirmed));
  }

  Result<void> commit() override {
    if (auto saved = save_marks(); !saved) return saved;
    const auto done = transaction_->commit();
    if (!done) {
      auto error = to_error(done.error(), path_);
      // A full disk is met before the frame that would make it a commit.
      if (done.error().primary() == SQLITE_FULL) return std::unexpected(std::move(error));
      made_ = false;
      error.code = ErrorCode::unknown_outcome;
      return std::unexpected(std::move(error));
    }
    made_ = false;
    transaction_.reset();
    database_.reset();
    return {};
  }

 private:
  [[nodiscard]] std::unexpected<Error> failed(const Failure& failure) const {
    return std::unexpected(to_error(failure, path_));
  }
  [[nodiscard]] Result<void> told(Db<void> done) const { return done ? Result<void>() : failed(done.error()); }

  Result<void> save_marks() {
    auto saved = told(database_->side.save_marks(marks_));
    marks_.clear();
    return saved;
  }

  const std::string path_;
  bool made_;
  std::optional<Database> database_;
  std::optional<Transaction> transaction_;
  std::vector<LeaseMark> marks_;
};

}  // namespace
}  // namespace sqlite

std::unique_ptr<LogSource> sqlite_log_source(SqliteOptions options) {
  return std::make_unique<sqlite::SqliteLogSource>(std::move(options));
}

Result<std::unique_ptr<NewLog>> make_sqlite_log(const SqliteOptions& options) {
  std::error_code ignored;
  const bool was_there = std::filesystem::exists(options.path, ignored);
  auto database = sqlite::open_database(options, sqlite::OpenMode::first);
  if (!database) return std::unexpected(std::move(database.error()));
  auto log = std::make_unique<sqlite::SqliteNewLog>(options.path, !was_there, std::move(*database));
  if (auto begun = log->begin(); !begun) return std::unexpected(std::move(begun.error()));
  return log;
}

}  // namespace rollcall
