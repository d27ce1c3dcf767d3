#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/sqlite/event_row.hpp"
#include "store/sqlite/revision_ranges.hpp"
#include "store/sqlite/schema.hpp"

namespace rollcall::sqlite {
namespace {

using ::testing::HasSubstr;

std::string row_of_an_event() {
  auto instance = std::make_shared<Instance>();
  instance->id = InstanceId("a");
  instance->spec.service = ServiceName("billing");
  instance->spec.tags = {"blue"};
  instance->number = InstanceNumber{300};
  instance->created = Revision{5};
  std::string row;
  append_row({Revision{9}, Revision{5}, WallTime{}, EventKind::updated, {"api", "asked to"}, instance}, row);
  return row;
}

TEST(EventRow, TellsARowOfANewerProgram) {
  auto row = row_of_an_event();
  ASSERT_TRUE(read_row(Revision{9}, Revision{5}, row));
  row[0] = 2;
  EXPECT_THAT(read_row(Revision{9}, Revision{5}, row).error(), HasSubstr("format 2"));
  EXPECT_THAT(read_head(row).error(), HasSubstr("format 2"));
}

TEST(EventRow, RefusesARowCutAnywhereOrChangedAnywhere) {
  const auto row = row_of_an_event();
  for (std::size_t i = 0; i < row.size(); ++i) {
    EXPECT_FALSE(read_row(Revision{9}, Revision{5}, std::string_view(row).substr(0, i))) << i;
    auto changed = row;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    EXPECT_FALSE(read_row(Revision{9}, Revision{5}, changed)) << i;
    EXPECT_FALSE(read_head(changed)) << i;
  }
}

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

TEST(RevisionRanges, MergeAndForget) {
  RevisionRanges ranges;
  ranges.add(Revision{3}, Revision{5});
  ranges.add(Revision{6}, Revision{6});
  ranges.add(Revision{9}, Revision{10});
  EXPECT_TRUE(ranges.contains(Revision{6}));
  EXPECT_FALSE(ranges.contains(Revision{7}));
  ranges.forget_up_to(Revision{6});
  EXPECT_FALSE(ranges.contains(Revision{4}));
  EXPECT_TRUE(ranges.contains(Revision{9}));
}

}  // namespace
}  // namespace rollcall::sqlite
