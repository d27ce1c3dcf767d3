#include "store/postgres/conninfo.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/postgres/postgres_store.hpp"

namespace rollcall::postgres {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

TEST(ConnectionString, OfSeveralHostsIsDivided) {
  const auto info = read_connection_string("postgres://me:secret@db1:5433,db2/registry?sslmode=verify-full");
  ASSERT_TRUE(info) << info.error().message;
  ASSERT_THAT(info->hosts, SizeIs(2));
  EXPECT_THAT(info->hosts[0], Contains(Pair("host", "db1")));
  EXPECT_THAT(info->hosts[0], Contains(Pair("port", "5433")));
  EXPECT_THAT(info->hosts[1], Contains(Pair("host", "db2")));
  EXPECT_THAT(info->hosts[1], Contains(Pair("dbname", "registry")));
  EXPECT_THAT(info->hosts[1], Contains(Pair("sslmode", "verify-full")));
  EXPECT_THAT(info->hosts[1], Contains(Pair("target_session_attrs", "read-write")));
  EXPECT_THAT(info->secrets, ElementsAre("secret"));
  EXPECT_EQ(name_of_host(info->hosts[0]), "db1:5433");
}

TEST(ConnectionString, SaysItselfWhatKindOfServerIsMeant) {
  const auto info = read_connection_string("host=a,b port=1 target_session_attrs=primary");
  ASSERT_TRUE(info);
  EXPECT_THAT(info->hosts[1], Contains(Pair("target_session_attrs", "primary")));
  EXPECT_THAT(info->hosts[1], Contains(Pair("port", "1")));
}

TEST(ConnectionString, TakesWhatTheEnvironmentSays) {
  // NOLINTBEGIN(concurrency-mt-unsafe): there is one thread
  setenv("PGHOST", "from-environment", 1);
  setenv("PGPASSWORD", "kept quiet", 1);
  const auto info = read_connection_string("dbname=registry");
  const auto named = read_connection_string("host=here");
  unsetenv("PGHOST");
  unsetenv("PGPASSWORD");
  // NOLINTEND(concurrency-mt-unsafe)
  ASSERT_TRUE(info);
  EXPECT_THAT(info->hosts[0], Contains(Pair("host", "from-environment")));
  EXPECT_THAT(info->secrets, ElementsAre("kept quiet"));
  EXPECT_THAT(named->hosts[0], Contains(Pair("host", "here")));
}

TEST(ConnectionString, ThatCantBeReadIsNotShown) {
  for (const std::string text : {"postgres://me:hush%zz@db/x", "host=db password", "host=db passw0rd=hush",
                                 "postgres://me:hu@sh@db/x", "postgres://me:hush@a:1,b:2,c:3:4/x?hush=1"}) {
    const auto info = read_connection_string(text);
    ASSERT_FALSE(info) << text;
    EXPECT_THAT(info.error().message, Not(HasSubstr("hush")));
    EXPECT_THAT(info.error().message, Not(HasSubstr("hu@sh")));
  }
  EXPECT_FALSE(read_connection_string("host=a,b,c port=1,2"));
}

TEST(ConnectionString, SecretsArePaintedOver) {
  EXPECT_EQ(presentable("a hush b\n\thushhush\n", {"hush"}), "a *** b;  ******");
  EXPECT_EQ(presentable("a*b", {"*"}), "a***b");
}

TEST(ConnectionString, IsToldFromOtherStores) {
  EXPECT_TRUE(is_postgres_connection("postgresql://db"));
  EXPECT_TRUE(is_postgres_connection("dbname=x"));
  EXPECT_FALSE(is_postgres_connection("sqlite"));
  EXPECT_TRUE(has_postgres_password("postgres://me:hush@db"));
  EXPECT_FALSE(has_postgres_password("postgres://me@db"));
}

}  // namespace
}  // namespace rollcall::postgres
