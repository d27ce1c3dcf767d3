// What the engine opens, what it refuses, and what people find there.
#include <fmt/format.h>
#include <libpq-fe.h>

#include "postgres/postgres_fixture.hpp"

namespace rollcall::testing {
namespace {

class PostgresDatabase : public PostgresTest {
 protected:
  /// Refused; the message.
  std::string refusal(const PostgresOptions& options, ErrorCode code) {
    const auto store = open_postgres_store(options);
    EXPECT_FALSE(store);
    if (store) return {};
    EXPECT_EQ(store.error().code, code) << store.error().message;
    return store.error().message;
  }

  [[nodiscard]] std::string ask(const std::string& about) const {
    return cluster_->ask(fmt::format(fmt::runtime(about), schema_->name()));
  }
};

TEST_F(PostgresDatabase, AWrongPasswordIsToldOfAndNotShown) {
  auto locked = options();
  locked.connection = fmt::format("host={} user=locked dbname=postgres password='battery staple'", cluster_->folder());
  const auto message = refusal(locked, ErrorCode::unavailable);
  EXPECT_THAT(message, HasSubstr("password authentication failed"));
  EXPECT_THAT(message, Not(HasSubstr("battery")));
}

TEST_F(PostgresDatabase, ARoleNeedsNoMoreThanASchemaOfItsOwn) {
  static_cast<void>(ask("CREATE SCHEMA {} AUTHORIZATION locked"));
  auto locked = options();
  locked.connection = fmt::format("host={} user=locked dbname=postgres password='correct horse'", cluster_->folder());
  const auto store = open(locked);
  ASSERT_TRUE(store);
  EXPECT_TRUE(store->commit(batch({}, {registering(full_instance("a"))})));
  EXPECT_GT(store->health().bytes, 8'192U);
  EXPECT_TRUE(store->prune(kNoon + 24h * 30));
}

TEST_F(PostgresDatabase, ARoleThatMayNotMakeItIsToldSo) {
  auto locked = options();
  locked.connection = fmt::format("host={} user=locked dbname=postgres password='correct horse'", cluster_->folder());
  EXPECT_THAT(refusal(locked, ErrorCode::unavailable), HasSubstr("permission denied"));
}

TEST_F(PostgresDatabase, ANewerSchemaIsRefused) {
  open(options());
  static_cast<void>(ask("INSERT INTO {}.migrations VALUES(999)"));
  EXPECT_THAT(refusal(options(), ErrorCode::incompatible), HasSubstr("newer Rollcall (schema version 999)"));
}

TEST_F(PostgresDatabase, ASchemaOfSomethingElseIsRefused) {
  static_cast<void>(ask("CREATE SCHEMA {0}; CREATE TABLE {0}.head(a int)"));
  EXPECT_THAT(refusal(options(), ErrorCode::incompatible), HasSubstr("tables of something else"));
  EXPECT_EQ(ask("SELECT count(*) FROM pg_tables WHERE schemaname = '{}'"), "1");
}

TEST_F(PostgresDatabase, TheHostThatTakesWritesIsFound) {
  auto several = options();
  several.connection = fmt::format("host=/nonexistent,{} user=test dbname=postgres", cluster_->folder());
  EXPECT_TRUE(open(several));
  several.connection = "host=/nonexistent,/neither";
  const auto message = refusal(several, ErrorCode::unavailable);
  EXPECT_THAT(message, HasSubstr("/nonexistent"));
  EXPECT_THAT(message, HasSubstr("/neither"));
}

TEST_F(PostgresDatabase, AServerThatTakesNoWritesIsPassedOver) {
  static_cast<void>(ask("CREATE ROLE {0} LOGIN SUPERUSER; ALTER ROLE {0} SET default_transaction_read_only = on"));
  auto standby = options();
  standby.connection = fmt::format("host={} user={} dbname=postgres", cluster_->folder(), schema_->name());
  EXPECT_THAT(refusal(standby, ErrorCode::unavailable), HasSubstr("session is read-only"));
  static_cast<void>(ask("DROP ROLE {}"));
}

TEST_F(PostgresDatabase, ALogThatHasGoneBackIsRefused) {
  const auto store = open(options());
  ASSERT_TRUE(store->commit(batch({}, {registering(full_instance("a")), registering(full_instance("b"))})));
  static_cast<void>(ask("UPDATE {0}.head SET revision = 1; DELETE FROM {0}.events WHERE revision = 2"));
  EXPECT_EQ(store->commit(batch(Revision{2}, {registering(full_instance("c"))})).error().code, ErrorCode::unavailable);
  const auto read = store->read(Revision{1}, 10);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::incompatible);
  EXPECT_THAT(read.error().message, HasSubstr("ends at revision 1, and 2 had been reached"));
}

TEST_F(PostgresDatabase, AnotherLogInItsPlaceIsRefused) {
  const auto store = open(options());
  static_cast<void>(ask("DROP SCHEMA {} CASCADE"));
  open(options());
  for (int i = 0; i < 2; ++i) {
    const auto read = store->read({}, 10);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::incompatible);
    EXPECT_THAT(read.error().message, HasSubstr("exchanged for another log"));
  }
}

TEST_F(PostgresDatabase, ADamagedEventIsToldOf) {
  const auto store = open(options());
  ASSERT_TRUE(store->commit(batch({}, {registering(full_instance("a"))})));
  static_cast<void>(ask("UPDATE {}.events SET body = overlay(body PLACING '\\x5a5a'::bytea FROM 20)"));
  const auto snapshot = store->snapshot();
  ASSERT_FALSE(snapshot);
  EXPECT_EQ(snapshot.error().code, ErrorCode::incompatible);
  EXPECT_THAT(snapshot.error().message, HasSubstr("checksum"));
}

TEST_F(PostgresDatabase, PeopleFindTheInstancesInAView) {
  const auto store = open(options());
  auto plain = full_instance("quote\"'\\", "bill{ing}");
  plain.maintenance.reset();
  const auto a = store->commit(batch({}, {registering(plain), registering(full_instance("gone"))}))->events;
  ASSERT_TRUE(store->commit(batch(Revision{2}, {following(EventKind::removed, *a[1]->instance)})));
  EXPECT_EQ(ask("SELECT count(*) FROM {}.instance_list"), "1");
  EXPECT_EQ(ask("SELECT concat_ws('|', id, service, address, port, status, source, tags->>1, metadata->>'a', "
                "modified_at AT TIME ZONE 'UTC') FROM {}.instance_list"),
            "quote\"'\\|bill{ing}|2001:db8::7|8443|critical|probe|größe||2026-01-15 11:00:00");
  EXPECT_EQ(ask("SELECT metadata->>'zone' FROM {}.instance_list"), "x\uFFFDy");
  EXPECT_EQ(ask("SELECT string_agg(kind || ' by ' || writer, ', ' ORDER BY revision) FROM {}.event_list"),
            "registered by api, registered by api, removed by lease");
}

TEST_F(PostgresDatabase, ListenersAreNotifiedOfACommit) {
  const auto store = open(options());
  const std::unique_ptr<PGconn, decltype(&PQfinish)> listener(PQconnectdb(cluster_->connection_string().c_str()),
                                                              PQfinish);
  PQclear(PQexec(listener.get(), ("LISTEN " + schema_->name() + "_events").c_str()));
  ASSERT_TRUE(store->commit(batch({}, {registering(full_instance("a")), registering(full_instance("b"))})));
  ASSERT_TRUE(eventually([&] {
    PQconsumeInput(listener.get());
    const std::unique_ptr<PGnotify, decltype(&PQfreemem)> notice(PQnotifies(listener.get()), PQfreemem);
    return notice && std::string_view(notice->extra) == "2";
  }));
}

TEST_F(PostgresDatabase, DurabilityIsNotLeftToTheRolesSettings) {
  static_cast<void>(ask("CREATE ROLE {0} LOGIN SUPERUSER; ALTER ROLE {0} SET synchronous_commit = off"));
  auto hasty = options();
  hasty.connection = fmt::format("host={} user={} dbname=postgres", cluster_->folder(), schema_->name());
  const auto store = open(hasty);
  ASSERT_TRUE(store);
  // How far the write-ahead log had come while the events were stored; on disk it is later, if nobody waits for it.
  static_cast<void>(
      ask("CREATE TABLE {0}.said(value pg_lsn);"
          "CREATE FUNCTION {0}.say() RETURNS trigger LANGUAGE plpgsql AS"
          " $$ BEGIN INSERT INTO {0}.said VALUES (pg_current_wal_insert_lsn()); RETURN NULL; END $$;"
          "CREATE TRIGGER say AFTER INSERT ON {0}.events EXECUTE FUNCTION {0}.say()"));
  ASSERT_TRUE(store->commit(batch({}, {registering(full_instance("a"))})));
  EXPECT_EQ(ask("SELECT pg_current_wal_flush_lsn() > value FROM {}.said"), "t");
  static_cast<void>(ask("DROP SCHEMA {0} CASCADE; DROP ROLE {0}"));
}

}  // namespace
}  // namespace rollcall::testing
