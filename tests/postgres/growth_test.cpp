// What a handle is told of the others' commits, and how its listening begins, fails and ends.
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "base/log.hpp"
#include "conformance/engines.hpp"
#include "conformance/recording_growth.hpp"
#include "postgres/postgres_fixture.hpp"

namespace rollcall::testing {
namespace {

class PostgresGrowth : public PostgresTest {
 protected:
  void register_by_another(const std::string& id, Revision seen = {}) {
    ASSERT_TRUE(open(options())->commit(batch(seen, {registering(full_instance(id))})));
  }

  /// The youngest of the sessions: of a store that was open before it began to listen, the listening one.
  [[nodiscard]] std::string listening_session() const {
    return cluster_->ask("SELECT pid " + sessions() + " ORDER BY backend_start DESC LIMIT 1");
  }

  /// As a server that hangs: a connection to it is made and never answered.
  class SilentServer {
   public:
    SilentServer() : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
      sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
      const auto path = directory_.file(".s.PGSQL.5432");
      std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
      EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
      EXPECT_EQ(::listen(socket_, 16), 0);
    }
    ~SilentServer() { ::close(socket_); }
    SilentServer(const SilentServer&) = delete;
    SilentServer& operator=(const SilentServer&) = delete;
    [[nodiscard]] std::string folder() const { return directory_.file(""); }

   private:
    TempDir directory_;
    int socket_;
  };
};

TEST_F(PostgresGrowth, WhatIsThereWhenListeningBeginsIsToldOf) {
  register_by_another("a");
  const auto store = open(options());
  RecordingGrowth growth;
  store->on_growth(growth.note());
  EXPECT_TRUE(growth.comes_to(Revision{1}));
}

TEST_F(PostgresGrowth, ANewConnectionTellsWhatALostOneMayHaveMissed) {
  const auto store = open(options());
  RecordingGrowth growth;
  store->on_growth(growth.note());
  register_by_another("a");
  ASSERT_TRUE(growth.comes_to(Revision{1}));
  const auto first = listening_session();
  growth.forget();
  ASSERT_EQ(cluster_->ask(fmt::format("SELECT pg_terminate_backend({}, 20000)", first)), "t");
  EXPECT_TRUE(growth.comes_to(Revision{1})) << "of the head, though nothing was written meanwhile";
  EXPECT_NE(listening_session(), first);
  register_by_another("b", Revision{1});
  EXPECT_TRUE(growth.comes_to(Revision{2}));
}

TEST_F(PostgresGrowth, WhatAnybodyNotifiesDoesNoHarm) {
  const auto store = open(options());
  RecordingGrowth growth;
  store->on_growth(growth.note());
  register_by_another("a");
  ASSERT_TRUE(growth.comes_to(Revision{1}));
  for (const auto* said : {"", "-7", "12 apples", "99999999999999999999999"}) {
    static_cast<void>(cluster_->ask(fmt::format("SELECT pg_notify('{}_events', '{}')", schema_->name(), said)));
  }
  register_by_another("b", Revision{1});
  EXPECT_TRUE(growth.comes_to(Revision{2}));
  EXPECT_FALSE(growth.comes_to(Revision{3}, 0ms));
}

TEST_F(PostgresGrowth, AnotherLogInItsPlaceIsNotToldOf) {
  const auto store = open(options());
  static_cast<void>(cluster_->ask("DROP SCHEMA " + schema_->name() + " CASCADE"));
  register_by_another("a");
  const auto warnings = log::lines_written(log::Level::warning);
  RecordingGrowth growth;
  store->on_growth(growth.note());
  EXPECT_TRUE(eventually([&] { return log::lines_written(log::Level::warning) > warnings; }));
  EXPECT_FALSE(growth.comes_to(Revision{1}, 0ms));
}

TEST_F(PostgresGrowth, ItEndsAtOnceWhileAServerIsSilent) {
  const SilentServer silent;
  auto two = options();
  two.connection = fmt::format("host={},{} user=test dbname=postgres", silent.folder(), cluster_->folder());
  two.waits.connect_timeout = 4s;  // which opening it takes once
  auto store = open(two);
  ASSERT_TRUE(store);
  RecordingGrowth growth;
  store->on_growth(growth.note());
  const auto begun = std::chrono::steady_clock::now();
  store.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
}

TEST_F(PostgresGrowth, NothingIsLeftOfItAtTheEnd) {
  auto store = open(options());
  RecordingGrowth growth;
  store->on_growth(growth.note());
  register_by_another("a");
  ASSERT_TRUE(growth.comes_to(Revision{1}));
  store.reset();
  EXPECT_TRUE(eventually([&] { return !has_sessions(); }));
}

}  // namespace
}  // namespace rollcall::testing
