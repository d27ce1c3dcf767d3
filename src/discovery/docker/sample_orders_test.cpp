#include "discovery/docker/sample_orders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace rollcall::docker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using namespace std::chrono_literals;

class SampleOrdersTest : public ::testing::Test {
 protected:
  void order(const std::vector<SampleOrders::Task>& tasks, Duration patience = 5s) {
    orders.add(tasks, now + patience, [this](bool any) { answer = any; });
  }

  SampleOrders orders;
  MonoTime now{1h};
  std::optional<bool> answer;
};

TEST_F(SampleOrdersTest, IsDoneWhenEachAgentHasToldItsPart) {
  order({{"t1", "n1"}, {"t2", "n2"}, {"t3", "n1"}});
  EXPECT_THAT(orders.take("n1"), ElementsAre("t1", "t3"));
  EXPECT_THAT(orders.take("n1"), IsEmpty());
  EXPECT_THAT(orders.take("n2"), ElementsAre("t2"));
  orders.settle("t1", true);
  orders.settle("t2", true);
  EXPECT_EQ(answer, std::nullopt);
  orders.settle("t3", true);
  EXPECT_THAT(answer, Optional(true));
}

TEST_F(SampleOrdersTest, FiguresFromBeforeTheAgentWasAskedDontCount) {
  order({{"t1", "n1"}});
  orders.settle("t1", true);
  EXPECT_EQ(answer, std::nullopt);
  (void)orders.take("n1");
  orders.settle("t1", true);
  EXPECT_THAT(answer, Optional(true));
}

TEST_F(SampleOrdersTest, OneAnswerIsForAllWhoWait) {
  order({{"t1", "n1"}});
  std::optional<bool> other;
  orders.add({{"t1", "n1"}}, now + 5s, [&](bool any) { other = any; });
  EXPECT_THAT(orders.take("n1"), ElementsAre("t1"));
  orders.settle("t1", true);
  EXPECT_THAT(answer, Optional(true));
  EXPECT_THAT(other, Optional(true));
}

TEST_F(SampleOrdersTest, ATaskThatEndsIsntWaitedFor) {
  order({{"t1", "n1"}});
  (void)orders.take("n1");
  orders.settle("t1", false);
  EXPECT_THAT(answer, Optional(false));
}

TEST_F(SampleOrdersTest, NobodyIsWaitedForForEver) {
  order({{"t1", "n1"}, {"t2", "n2"}});
  (void)orders.take("n1");
  orders.settle("t1", true);
  orders.end_overdue(now + 4s);
  EXPECT_EQ(answer, std::nullopt);
  orders.end_overdue(now + 5s);
  EXPECT_THAT(answer, Optional(true));
  EXPECT_THAT(orders.take("n2"), IsEmpty()) << "nobody waits for it any more";
}

TEST_F(SampleOrdersTest, NothingToAskForIsDoneAtOnce) {
  order({});
  EXPECT_THAT(answer, Optional(false));
}

}  // namespace
}  // namespace rollcall::docker
