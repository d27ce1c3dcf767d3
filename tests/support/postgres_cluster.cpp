#include "support/postgres_cluster.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace rollcall::testing {
namespace {

void run_script(const std::string& folder, const std::string& verb) {
  const auto line = fmt::format("PG_DIR='{}' '{}/tests/servers/postgres.sh' {} >&2", folder, ROLLCALL_SOURCE_DIR, verb);
  const int status = std::system(line.c_str());  // NOLINT(concurrency-mt-unsafe): no other thread changes handlers
  if (status != 0) throw std::runtime_error("failed: " + line);
}

bool is_running(const std::string& folder) { return std::filesystem::exists(folder + "/data/postmaster.pid"); }

}  // namespace

std::unique_ptr<PostgresCluster> PostgresCluster::start() {
  static std::atomic<int> count{0};
  const auto folder = fmt::format("/tmp/rollcall-postgres-{}-{}", getpid(), ++count);
  run_script(folder, "start");
  if (!is_running(folder)) return nullptr;
  return std::unique_ptr<PostgresCluster>(new PostgresCluster(folder, true));
}

PostgresCluster* PostgresCluster::shared() {
  static const auto cluster = [] {
    const char* given = std::getenv("ROLLCALL_TEST_POSTGRES");  // NOLINT(concurrency-mt-unsafe): nobody sets it
    if (given == nullptr) return start();
    return std::unique_ptr<PostgresCluster>(is_running(given) ? new PostgresCluster(given, false) : nullptr);
  }();
  return cluster.get();
}

PostgresCluster::~PostgresCluster() {
  if (owned_) run_script(folder_, "stop");
}

void PostgresCluster::command(const std::string& verb) const { run_script(folder_, verb); }

std::string PostgresCluster::ask(const std::string& sql) const {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(connection_string().c_str()), PQfinish);
  PQsetNoticeProcessor(connection.get(), [](void*, const char*) {}, nullptr);
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), sql.c_str()), PQclear);
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    throw std::runtime_error(sql + ": " + PQerrorMessage(connection.get()));
  }
  return PQntuples(result.get()) == 0 ? "" : PQgetvalue(result.get(), 0, 0);
}

PostgresSchema::PostgresSchema(const PostgresCluster& cluster) : cluster_(cluster) {
  static std::atomic<int> count{0};
  name_ = fmt::format("test_{}_{}", getpid(), ++count);
}

PostgresSchema::~PostgresSchema() {
  try {
    static_cast<void>(cluster_.ask("DROP SCHEMA IF EXISTS " + name_ + " CASCADE"));
  } catch (const std::runtime_error&) {
    // A cluster that a test has ended takes its schemas with it.
  }
}

}  // namespace rollcall::testing
