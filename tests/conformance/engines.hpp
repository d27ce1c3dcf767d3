#pragma once
// The engines that the suite runs over, each with several handles on one log. One that `is_missing()` gives none.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "store/memory/memory_store.hpp"
#include "store/postgres/postgres_log.hpp"
#include "store/postgres/postgres_membership.hpp"
#include "store/postgres/postgres_store.hpp"
#include "store/sqlite/sqlite_log.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "support/postgres_cluster.hpp"
#include "support/temp_dir.hpp"

namespace rollcall::testing {

using namespace std::chrono_literals;

class MemoryEngine {
 public:
  static bool is_missing() { return false; }
  std::unique_ptr<Store> open(const StoreLimits& limits = {}) { return make_memory_store(log_, limits, 1h); }
  std::unique_ptr<Membership> member(NodeId self) { return make_memory_membership(log_, self); }

 private:
  std::shared_ptr<MemoryLog> log_ = make_memory_log(Generation{7});
};

class SqliteEngine {
 public:
  static bool is_missing() { return false; }
  std::unique_ptr<Store> open(const StoreLimits& limits = {}) {
    auto store = open_sqlite_store(options(limits));
    if (!store) {
      ADD_FAILURE() << store.error().message;
      return nullptr;
    }
    return std::move(*store);
  }
  [[nodiscard]] std::unique_ptr<LogSource> source() const { return sqlite_log_source(options({})); }
  [[nodiscard]] Result<std::unique_ptr<NewLog>> make() const { return make_sqlite_log(options({})); }

 private:
  [[nodiscard]] SqliteOptions options(const StoreLimits& limits) const {
    SqliteOptions options;
    options.path = directory_.file("log.db");
    options.limits = limits;
    options.tombstone_life = 1h;
    // What a power cut would do is tests/crash's business.
    options.tuning.sync = false;
    return options;
  }

  TempDir directory_;
};

class PostgresEngine {
 public:
  static bool is_missing() { return PostgresCluster::shared() == nullptr; }

  std::unique_ptr<Store> open(const StoreLimits& limits = {}) {
    if (is_missing()) return nullptr;
    return must(open_postgres_store(options(limits)));
  }
  std::unique_ptr<Membership> member(NodeId self) { return must(open_postgres_membership(options({}), self)); }
  /// One that doesn't wait for what others hold.
  std::unique_ptr<Membership> impatient_member(NodeId self) {
    auto impatient = options({});
    impatient.waits.request_timeout = 300ms;
    return must(open_postgres_membership(impatient, self));
  }
  [[nodiscard]] std::unique_ptr<LogSource> source() const { return *postgres_log_source(options({}), false); }
  /// Refuses while there are nodes.
  [[nodiscard]] std::unique_ptr<LogSource> lone_source() const { return *postgres_log_source(options({}), true); }
  [[nodiscard]] Result<std::unique_ptr<NewLog>> make() const { return make_postgres_log(options({})); }

 private:
  [[nodiscard]] PostgresOptions options(const StoreLimits& limits) const {
    PostgresOptions options;
    options.connection = PostgresCluster::shared()->connection_string();
    options.schema = schema_->name();
    options.limits = limits;
    options.tombstone_life = 1h;
    // On a machine that does much else.
    options.waits = {.connect_timeout = 20s, .request_timeout = 20s, .silent_session = 20s};
    return options;
  }
  template <class T>
  static std::unique_ptr<T> must(Result<std::unique_ptr<T>> opened) {
    if (opened) return std::move(*opened);
    ADD_FAILURE() << opened.error().message;
    return nullptr;
  }

  std::optional<PostgresSchema> schema_ =
      is_missing() ? std::nullopt : std::optional<PostgresSchema>(std::in_place, *PostgresCluster::shared());
};

}  // namespace rollcall::testing
