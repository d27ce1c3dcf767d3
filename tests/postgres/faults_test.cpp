// What is said of a commit whose connection, session or server ends, beside what the table then holds.
#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "postgres/postgres_fixture.hpp"
#include "support/postgres_proxy.hpp"

namespace rollcall::testing {
namespace {

class PostgresFaults : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped()) return;
    folder_ = fmt::format("/tmp/rollcall-proxy-{}", schema_->name());
    std::filesystem::create_directory(folder_);
    proxy_.emplace(folder_, cluster_->folder());
  }
  void TearDown() override {
    proxy_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  [[nodiscard]] PostgresOptions through_proxy() const {
    auto through = options();
    through.connection = fmt::format("host={} user=test dbname=postgres application_name={}", folder_, schema_->name());
    return through;
  }

  /// Commits one new instance, with something happening before the nth message. False when there are less.
  bool commit_with(int n, const std::function<PostgresProxy::Then()>& act) {
    const auto store = open(through_proxy());
    const auto before = store->snapshot()->revision;
    bool happened = false;
    proxy_->before_message(n, [&] {
      happened = true;
      return act();
    });
    const std::string id = fmt::format("i{}", n);
    const auto done = store->commit(batch(before, {registering(full_instance(id))}));
    const int messages = proxy_->messages();
    proxy_->before_message(0, nullptr);
    check(*store, before, done);
    return happened && messages >= n;
  }

  void check(Store& store, Revision before, const Result<CommitResult>& done) {
    const auto told = store.read(before, 10);  // on another connection, if the one there was has ended
    ASSERT_TRUE(told) << told.error().message;
    // Whatever the server still has in hand comes to its end: a session notices a cut connection in its own time.
    EXPECT_TRUE(
        eventually([&] { return cluster_->ask("SELECT count(*) " + sessions() + " AND state <> 'idle'") == "0"; }));
    const auto stored = cluster_->ask("SELECT revision FROM " + schema_->name() + ".head");
    EXPECT_EQ(stored, std::to_string(before.value + told->size())) << "more came after it was told";
    ++outcomes_[done ? "done" : done.error().code == ErrorCode::unavailable ? "unavailable" : "unknown"];
    if (done) {
      EXPECT_EQ(told->size(), 1U);
    } else if (done.error().code == ErrorCode::unavailable) {
      EXPECT_EQ(told->size(), 0U) << "said not to be done, and was";
    } else {
      EXPECT_EQ(done.error().code, ErrorCode::unknown_outcome) << done.error().message;
      ++outcomes_[told->empty() ? "unknown, not done" : "unknown, done"];
    }
  }

  std::string folder_;
  std::optional<PostgresProxy> proxy_;
  std::map<std::string, int> outcomes_;
};

TEST_F(PostgresFaults, AConnectionCutBeforeEachMessageOfACommit) {
  int n = 1;
  while (commit_with(n, [] { return PostgresProxy::Then::cut; })) ++n;
  EXPECT_GT(n, 30);
  EXPECT_GT(outcomes_["done"], 10) << "while nothing of it could have come to pass, it is tried again";
  EXPECT_GT(outcomes_["unknown, done"], 5);
  EXPECT_GT(outcomes_["unknown, not done"], 5);
}

TEST_F(PostgresFaults, ASessionEndedBeforeEachMessageOfACommit) {
  int n = 1;
  while (commit_with(n, [&] {
    static_cast<void>(cluster_->ask("SELECT pg_terminate_backend(pid, 10000) " + sessions()));
    return PostgresProxy::Then::go_on;
  })) {
    ++n;
  }
  EXPECT_GT(n, 30);
  EXPECT_GT(outcomes_["done"], 10);
  EXPECT_GT(outcomes_["unknown, not done"], 5);
}

TEST_F(PostgresFaults, WhoHoldsTheHeadIsNotWaitedForInVain) {
  auto hurried = options();
  hurried.waits.request_timeout = 300ms;
  const auto store = open(hurried);
  // A transaction that ends by itself, long after the patience.
  std::jthread other([this] {
    static_cast<void>(cluster_->ask(
        fmt::format("BEGIN; SELECT FROM {}.head FOR UPDATE; SELECT pg_sleep(1.5); COMMIT", schema_->name())));
  });
  ASSERT_TRUE(eventually([&] {
    return cluster_->ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%" +
                         schema_->name() + "%'") != "0";
  }));
  const auto done = store->commit(batch({}, {registering(full_instance("a"))}));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::unavailable) << done.error().message;
  EXPECT_FALSE(store->health().writable);
  other.join();
  ASSERT_TRUE(eventually([&] { return store->commit(batch({}, {registering(full_instance("a"))})).has_value(); }));
  EXPECT_TRUE(store->health().writable);
}

TEST_F(PostgresFaults, ACommitThatIsStillUnderWayIsWaitedFor) {
  auto hurried = options();
  hurried.waits.request_timeout = 300ms;
  const auto store = open(hurried);
  // The server takes a second for the COMMIT, and its own timeout, which would end that, is off.
  static_cast<void>(cluster_->ask(
      fmt::format("CREATE FUNCTION {0}.dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                  " PERFORM pg_sleep(1); RETURN NULL; END $$;"
                  "CREATE FUNCTION {0}.allow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                  " PERFORM set_config('statement_timeout', '0', true); RETURN NULL; END $$;"
                  "CREATE TRIGGER allow AFTER INSERT ON {0}.events EXECUTE FUNCTION {0}.allow();"
                  "CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON {0}.events DEFERRABLE INITIALLY DEFERRED"
                  " FOR EACH ROW EXECUTE FUNCTION {0}.dawdle()",
                  schema_->name())));
  const auto done = store->commit(batch({}, {registering(full_instance("a"))}));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::unknown_outcome) << done.error().message;
  std::size_t told = 0;
  ASSERT_TRUE(eventually([&] {
    const auto events = store->read({}, 10);
    if (events) told = events->size();
    return events.has_value();
  }));
  EXPECT_EQ(told, 1U) << "it was looked for before it could be found";
}

class PostgresServer : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (!IsSkipped()) own_ = PostgresCluster::start();
  }
  std::unique_ptr<PostgresCluster> own_;
};

TEST_F(PostgresServer, ThatAnswersNothingIsGivenUpInTime) {
  auto hurried = options_on(*own_);
  hurried.waits = {.connect_timeout = 300ms, .request_timeout = 300ms};
  const auto store = open(hurried);
  ASSERT_TRUE(store->commit(batch({}, {registering(full_instance("a"))})));
  own_->command("stop-processes");
  for (int i = 0; i < 3; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const auto done = store->commit(batch(Revision{1}, {registering(full_instance("b"))}));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::unavailable) << "nothing could have been committed";
  }
  own_->command("go-on");
  ASSERT_TRUE(
      eventually([&] { return store->commit(batch(Revision{1}, {registering(full_instance("b"))})).has_value(); }));
  EXPECT_EQ(store->snapshot()->revision, Revision{2});
}

TEST_F(PostgresServer, ThatCrashesAndComesBackIsGoneOnWith) {
  const auto store = open(options_on(*own_));
  ASSERT_TRUE(store->commit(batch({}, {registering(full_instance("a"))})));
  own_->command("kill");
  EXPECT_EQ(store->read({}, 10).error().code, ErrorCode::unavailable);
  EXPECT_EQ(store->commit(batch(Revision{1}, {registering(full_instance("b"))})).error().code, ErrorCode::unavailable);
  EXPECT_FALSE(store->health().writable);
  EXPECT_THAT(store->health().detail, HasSubstr("PostgreSQL"));
  own_->command("up");
  ASSERT_TRUE(eventually([&] { return store->read({}, 10).has_value(); }));
  ASSERT_TRUE(store->commit(batch(Revision{1}, {registering(full_instance("b"))})));
  EXPECT_TRUE(store->health().writable);
}

TEST_F(PostgresServer, ThatIsReplacedByItsStandbyIsLeft) {
  own_->command("standby");
  auto both = options_on(*own_);
  both.connection = fmt::format("host={0}/standby,{0} user=test dbname=postgres", own_->folder());
  const auto store = open(both);
  ASSERT_TRUE(store->commit(batch({}, {registering(full_instance("a"))}))) << "the standby comes first, and takes none";
  own_->command("kill");
  EXPECT_EQ(store->commit(batch(Revision{1}, {registering(full_instance("b"))})).error().code, ErrorCode::unavailable);
  own_->command("promote");
  ASSERT_TRUE(
      eventually([&] { return store->commit(batch(Revision{1}, {registering(full_instance("b"))})).has_value(); }));
  EXPECT_THAT(revisions_of(*store->read({}, 10)), ::testing::ElementsAre(1, 2));
}

}  // namespace
}  // namespace rollcall::testing
