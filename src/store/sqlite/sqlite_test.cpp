#include <gtest/gtest.h>

#include "store/sqlite/schema.hpp"

namespace rollcall::sqlite {
namespace {

TEST(Migrations, TakeAnOlderFileToTheNewestInOneStep) {
  auto connection = Connection::open(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "");
  ASSERT_TRUE(connection);
  const Migration first[] = {{1, "CREATE TABLE t(a); INSERT INTO t VALUES(7)"}};
  const Migration later[] = {first[0], {2, "ALTER TABLE t ADD COLUMN b"}, {5, "UPDATE t SET b=a+1"}};
  ASSERT_TRUE(migrate(*connection, first));
  ASSERT_TRUE(migrate(*connection, later));
  EXPECT_EQ(connection->ask("PRAGMA user_version"), 5U);
  EXPECT_EQ(connection->ask("SELECT b FROM t"), 8U);
  EXPECT_FALSE(migrate(*connection, first)) << "it is newer now";
}

TEST(Migrations, ThatFailLeaveTheFileAsItWas) {
  auto connection = Connection::open(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "");
  const Migration first[] = {{1, "CREATE TABLE t(a)"}};
  const Migration later[] = {first[0], {2, "ALTER TABLE t ADD COLUMN b"}, {3, "UPDATE nothing SET b=1"}};
  ASSERT_TRUE(migrate(*connection, first));
  EXPECT_FALSE(migrate(*connection, later));
  EXPECT_EQ(connection->ask("PRAGMA user_version"), 1U);
  EXPECT_EQ(connection->ask("SELECT count(*) FROM pragma_table_info('t')"), 1U);
}

}  // namespace
}  // namespace rollcall::sqlite
