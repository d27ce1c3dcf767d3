#include "store/sqlite/database.hpp"

#include <fmt/format.h>

#include "base/random.hpp"
#include "store/sqlite/file_check.hpp"

namespace rollcall::sqlite {
namespace {

constexpr std::uint64_t kGenerationMax = (std::uint64_t{1} << 53) - 1;
constexpr std::size_t kWalKeptBytes = 64 << 20;

/// Settings of the connection, none of the file.
Db<void> configure(Connection& connection, const SqliteTuning& tuning) {
  sqlite3_busy_timeout(connection.handle(), static_cast<int>(tuning.busy_timeout.count()));
  sqlite3_db_config(connection.handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // Syncs as often as FULL in WAL mode, and makes the end of a rollback journal durable while the file is made.
  return connection.execute(fmt::format(
      "PRAGMA synchronous={};"
      "PRAGMA trusted_schema=OFF;"
      "PRAGMA cell_size_check=ON;"
      "PRAGMA secure_delete=OFF;"
      "PRAGMA temp_store=MEMORY;"
      "PRAGMA cache_size=-{};"
      "PRAGMA wal_autocheckpoint={};"
      "PRAGMA journal_size_limit={}",
      tuning.sync ? "EXTRA" : "OFF", tuning.page_cache_bytes / 1024, tuning.checkpoint_pages, kWalKeptBytes));
}

/// Every page, if there aren't too many to do that at each start. The rows' checksums are checked when they are read.
Db<void> check_pages(Connection& connection, const SqliteTuning& tuning) {
  const auto pages = connection.ask("PRAGMA page_count");
  if (!pages) return std::unexpected(pages.error());
  const auto page_size = connection.ask("PRAGMA page_size");
  if (!page_size) return std::unexpected(page_size.error());
  if (*pages * *page_size > tuning.checked_at_open_bytes) return {};
  const auto found = connection.ask_text("PRAGMA quick_check(1)");
  if (!found) return std::unexpected(found.error());
  if (*found != "ok") return damaged(*found);
  return {};
}

void checkpoint_on_close(Connection& connection, bool on) {
  sqlite3_db_config(connection.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on ? 0 : 1, nullptr);
}

Db<void> make_file(Connection& connection) {
  // The first page goes through a rollback journal, and carries the application id from its first moment on.
  auto transaction = Transaction::begin(connection, Transaction::Kind::read);
  if (!transaction) return std::unexpected(transaction.error());
  auto done =
      connection.execute(fmt::format("PRAGMA auto_vacuum=INCREMENTAL; PRAGMA application_id={}", kApplicationId));
  if (!done) return done;
  return transaction->commit();
}

Db<void> enter_wal_mode(Connection& connection) {
  const auto mode = connection.ask_text("PRAGMA journal_mode=WAL");
  if (!mode) return std::unexpected(mode.error());
  if (*mode != "wal") return db_fail(SQLITE_CANTOPEN, "its file system has no shared memory for a write-ahead log");
  return {};
}

/// The open write-ahead log, or null.
sqlite3_file* wal_of(Connection& connection) {
  sqlite3_file* wal = nullptr;
  sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&wal));
  return wal != nullptr && wal->pMethods != nullptr ? wal : nullptr;
}

/// After a failed sync the system may hold pages of the write-ahead log that it will never write. Copied into the
/// database and synced there, they are safe, once the log's end is synced too, which SQLite leaves to the next commit:
/// were the log to come back with the power, what the disk has of it would go over the newer pages.
Db<void> settle_wal(Connection& connection, OpenMode mode) {
  auto statement = connection.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
  if (!statement) return std::unexpected(statement.error());
  const auto row = statement->step();
  if (!row) {
    // Room for that may come later; what a crash left in the log was synced before it was acknowledged.
    if (mode == OpenMode::first && (row.error().code & 0xFF) == SQLITE_FULL) return {};
    return std::unexpected(row.error());
  }
  const bool busy = *row && statement->number(0) != 0;
  if (busy && mode == OpenMode::again) return db_fail(SQLITE_BUSY, "another process is reading it");
  auto* const wal = wal_of(connection);
  if (busy || wal == nullptr) return {};
  if (const int code = wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL); code != SQLITE_OK) {
    return db_fail(code, "its write-ahead log can't be synced");
  }
  return {};
}

Db<Generation> generation_of(Connection& connection, SideTables& side, Generation wanted) {
  auto stored = side.meta(Meta::generation);
  if (!stored) return std::unexpected(stored.error());
  if (*stored != 0) return Generation{*stored};
  auto transaction = Transaction::begin(connection, Transaction::Kind::write);
  if (!transaction) return std::unexpected(transaction.error());
  stored = side.meta(Meta::generation);
  if (!stored) return std::unexpected(stored.error());
  if (*stored != 0) return Generation{*stored};
  SystemRandom random;
  const std::uint64_t made = wanted ? wanted.value : 1 + random.next() % kGenerationMax;
  if (auto set = side.set_meta(Meta::generation, made); !set) return std::unexpected(set.error());
  if (auto done = transaction->commit(); !done) return std::unexpected(done.error());
  return Generation{made};
}

Db<Database> prepare_database(Connection connection, Generation wanted) {
  auto log = LogTables::prepare(connection);
  if (!log) return std::unexpected(log.error());
  auto side = SideTables::prepare(connection);
  if (!side) return std::unexpected(side.error());
  auto data_version = connection.prepare("PRAGMA data_version");
  if (!data_version) return std::unexpected(data_version.error());
  const auto generation = generation_of(connection, *side, wanted);
  if (!generation) return std::unexpected(generation.error());
  return Database{std::move(connection), std::move(*log), std::move(*side), std::move(*data_version), *generation};
}

std::string escaped_for_uri(std::string_view path) {
  std::string escaped;
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      escaped += c;
    }
  }
  return escaped;
}

/// A file without a write-ahead log is complete in itself, and can be checked without a byte being written beside it.
Db<void> check_at_rest(const SqliteOptions& options) {
  auto connection = Connection::open("file:" + escaped_for_uri(options.path) + "?immutable=1",
                                     SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, options.vfs);
  if (!connection) return std::unexpected(connection.error());
  return check_pages(*connection, options.tuning);
}

Db<Database> open_checked(const SqliteOptions& options, const FileReport& report, OpenMode mode) {
  const bool at_rest = report.exists && !report.has_wal && !report.unfinished;
  if (at_rest && mode == OpenMode::first) {
    if (auto checked = check_at_rest(options); !checked) return std::unexpected(checked.error());
  }
  auto connection = Connection::open(options.path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, options.vfs);
  if (!connection) return std::unexpected(connection.error());
  if (report.has_wal) checkpoint_on_close(*connection, false);
  if (auto done = configure(*connection, options.tuning); !done) return std::unexpected(done.error());
  const auto pages = connection->ask("PRAGMA page_count");
  if (!pages) return std::unexpected(pages.error());
  if (*pages == 0) {
    if (auto made = make_file(*connection); !made) return std::unexpected(made.error());
  } else if (report.has_wal && mode == OpenMode::first) {
    if (auto checked = check_pages(*connection, options.tuning); !checked) return std::unexpected(checked.error());
  }
  if (auto entered = enter_wal_mode(*connection); !entered) return std::unexpected(entered.error());
  if (report.has_wal) {
    if (auto settled = settle_wal(*connection, mode); !settled) return std::unexpected(settled.error());
  }
  if (auto migrated = migrate(*connection, migrations()); !migrated) return std::unexpected(migrated.error());
  auto database = prepare_database(std::move(*connection), options.generation);
  if (database) checkpoint_on_close(database->connection, true);
  return database;
}

}  // namespace

Result<Database> open_database(const SqliteOptions& options, OpenMode mode) {
  const auto report = check_file(options.path, options.vfs, newest_version());
  if (!report) return std::unexpected(report.error());
  if (!report->exists) {
    if (mode == OpenMode::again) return fail(ErrorCode::unavailable, options.path + " is gone");
    if (options.vfs.empty()) {
      if (auto made = create_private_file(options.path); !made) return std::unexpected(made.error());
    }
  }
  auto database = open_checked(options, *report, mode);
  if (database) return std::move(*database);
  if (report->has_wal && !report->has_shm) remove_shm(options.path, options.vfs);
  return std::unexpected(to_error(database.error(), options.path));
}

Db<Sizes> sizes_of(Connection& connection) {
  const auto page_size = connection.ask("PRAGMA page_size");
  if (!page_size) return std::unexpected(page_size.error());
  const auto pages = connection.ask("PRAGMA page_count");
  if (!pages) return std::unexpected(pages.error());
  const auto unused = connection.ask("PRAGMA freelist_count");
  if (!unused) return std::unexpected(unused.error());
  Sizes sizes{.used = (*pages - *unused) * *page_size, .on_disk = *pages * *page_size};
  auto* const wal = wal_of(connection);
  sqlite3_int64 wal_bytes = 0;
  if (wal != nullptr && wal->pMethods->xFileSize(wal, &wal_bytes) == SQLITE_OK) {
    sizes.on_disk += static_cast<std::uint64_t>(wal_bytes);
  }
  return sizes;
}

}  // namespace rollcall::sqlite
