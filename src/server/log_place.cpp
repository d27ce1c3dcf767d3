#include "server/log_place.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "store/postgres/postgres_log.hpp"
#include "store/sqlite/sqlite_log.hpp"

namespace rollcall {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSqlite = "sqlite:";

/// Nobody waits for a copy as readers wait for a daemon.
constexpr PostgresLimits kWaits{.connect_timeout = std::chrono::milliseconds{10'000},
                                .request_timeout = std::chrono::milliseconds{60'000},
                                .silent_session = {}};

std::string file_at(std::string_view text) {
  fs::path path(text);
  std::error_code ignored;
  if (path.extension() != ".db" && !fs::is_regular_file(path, ignored)) path /= kLogFile;
  const auto canonical = fs::weakly_canonical(path, ignored);
  return ignored ? path.string() : canonical.string();
}

SqliteOptions sqlite_options(const std::string& path) {
  SqliteOptions options;
  options.path = path;
  return options;
}

PostgresOptions waiting_options(const std::string& connection, const std::string& schema) {
  PostgresOptions options;
  options.connection = connection;
  options.schema = schema;
  options.waits = kWaits;
  return options;
}

}  // namespace

Result<LogPlace> LogPlace::read(std::string_view text, Settings settings, std::string_view option) {
  LogPlace place;
  if (text.starts_with(kSqlite)) {
    if (text == kSqlite) return fail(ErrorCode::invalid, "has no path; write sqlite:PATH", std::string(option));
    place.path_ = file_at(text.substr(kSqlite.size()));
    return place;
  }
  if (!text.empty() && !is_postgres_connection(text)) {
    return fail(ErrorCode::invalid, "is neither sqlite:PATH nor postgres://USER@HOST/DATABASE", std::string(option));
  }
  if (!text.empty()) {
    if (auto done = set(settings, "store", text, option); !done) return std::unexpected(done.error());
  }
  switch (settings.store) {
    case Settings::StoreKind::memory:
      return fail(ErrorCode::invalid, "is needed: by these settings the daemon keeps nothing (store = memory)",
                  std::string(option));
    case Settings::StoreKind::sqlite:
      place.path_ = file_at((fs::path(settings.data_dir) / kLogFile).native());
      return place;
    case Settings::StoreKind::postgres:
      place.kind_ = Kind::postgres;
      place.connection_ = settings.postgres_connection;
      place.schema_ = settings.postgres_schema;
      return place;
  }
  return place;
}

std::string LogPlace::name() const {
  return kind_ == Kind::sqlite ? fmt::format("{}{}", kSqlite, path_) : fmt::format("PostgreSQL, schema {}", schema_);
}

Result<std::optional<DataDir>> LogPlace::keep_daemons_out() const {
  const fs::path path(path_);
  if (kind_ != Kind::sqlite || path.filename() != kLogFile) return std::nullopt;
  auto directory = DataDir::open(path.parent_path());
  if (!directory) return std::unexpected(std::move(directory.error()));
  return std::move(*directory);
}

Result<std::unique_ptr<LogSource>> LogPlace::source(bool alone) const {
  if (kind_ == Kind::sqlite) return sqlite_log_source(sqlite_options(path_));
  return postgres_log_source(waiting_options(connection_, schema_), alone);
}

Result<std::unique_ptr<NewLog>> LogPlace::make() const {
  if (kind_ == Kind::sqlite) return make_sqlite_log(sqlite_options(path_));
  return make_postgres_log(waiting_options(connection_, schema_));
}

}  // namespace rollcall
