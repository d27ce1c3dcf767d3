#include <gtest/gtest.h>

#include <set>

#include "base/error.hpp"
#include "base/ids.hpp"
#include "base/random.hpp"

namespace rollcall {
namespace {

TEST(Uuid, HasTheFormOfVersion4AndDoesNotRepeat) {
  SystemRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto uuid = make_uuid(random);
    ASSERT_EQ(uuid.size(), 36U);
    EXPECT_EQ(uuid[14], '4');
    EXPECT_NE(std::string_view("89ab").find(uuid[19]), std::string_view::npos);
    for (const int dash : {8, 13, 18, 23}) EXPECT_EQ(uuid[static_cast<std::size_t>(dash)], '-');
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

TEST(Error, EachCodeHasANameAndAStatus) {
  EXPECT_EQ(name_of(ErrorCode::invalid), "invalid");
  EXPECT_EQ(http_status_of(ErrorCode::internal), 500U);
  EXPECT_EQ(http_status_of(ErrorCode::compacted), 410U);
  EXPECT_EQ(http_status_of(ErrorCode::unknown_outcome), 503U);
}

}  // namespace
}  // namespace rollcall
