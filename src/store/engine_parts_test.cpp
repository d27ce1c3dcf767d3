// What the engines share beside the contract.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/event_row.hpp"
#include "store/mark_chunk.hpp"
#include "store/revision_ranges.hpp"

namespace rollcall {
namespace {

using namespace std::chrono_literals;
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
  row[0] = 3;
  EXPECT_THAT(read_row(Revision{9}, Revision{5}, row).error(), HasSubstr("format 3"));
  EXPECT_THAT(read_head(row).error(), HasSubstr("format 3"));
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

TEST(MarkChunk, KeepsWhatWasPutUntilItIsDropped) {
  std::string chunk;
  put_mark(chunk, 3, 0ms);
  put_mark(chunk, 0, 24h * 365 * 30);
  EXPECT_FALSE(drop_mark(chunk, 1));
  EXPECT_FALSE(drop_mark(chunk, 4));
  std::vector<LeaseMark> marks;
  append_marks(chunk, InstanceNumber{100}, marks);
  ASSERT_EQ(marks.size(), 2U);
  EXPECT_EQ(marks[0].last_beat, 24h * 365 * 30);
  EXPECT_EQ(marks[1].number, InstanceNumber{103});
  EXPECT_TRUE(drop_mark(chunk, 3));
  marks.clear();
  append_marks(chunk, InstanceNumber{100}, marks);
  EXPECT_EQ(marks.size(), 1U);
}

}  // namespace
}  // namespace rollcall
