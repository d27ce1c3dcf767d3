#include "agent/node_book.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rollcall {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

AgentReport::Task task(const std::string& name, const std::string& action = {},
                       ContainerHealth health = ContainerHealth::none) {
  return {.task = name, .service = "web", .container = "container-" + name, .action = action, .health = health};
}

TEST(NodeBook, TellsAllThatRunsOnce) {
  NodeBook book;
  EXPECT_FALSE(book.has_news());
  book.list({task("1"), task("2")});
  ASSERT_TRUE(book.has_news());
  const auto report = book.take();
  EXPECT_TRUE(report.complete);
  EXPECT_THAT(report.tasks, ElementsAre(task("1"), task("2")));
  EXPECT_FALSE(book.has_news());
  EXPECT_FALSE(book.take().complete);
}

TEST(NodeBook, TellsWhatHappensAndKnowsWhatRunsThen) {
  NodeBook book;
  book.list({task("1")});
  (void)book.take();
  book.happened(task("2", "start"), true);
  book.happened(task("1", "die"), false);
  EXPECT_THAT(book.take().tasks, ElementsAre(task("2", "start"), task("1", "die")));
  EXPECT_THAT(book.running(), ElementsAre(task("2")));
}

TEST(NodeBook, RemembersTheHealthThatAnEventDoesntTell) {
  NodeBook book;
  book.list({task("1", {}, ContainerHealth::unhealthy)});
  (void)book.take();
  book.happened(task("1", "pause"), true);
  EXPECT_THAT(book.take().tasks, ElementsAre(task("1", "pause", ContainerHealth::unhealthy)));
  book.happened(task("1", "health_status: healthy", ContainerHealth::healthy), true);
  EXPECT_THAT(book.running(), ElementsAre(task("1", {}, ContainerHealth::healthy)));
}

TEST(NodeBook, TellsAllAgainWhenAReportIsLost) {
  NodeBook book;
  book.list({task("1"), task("2")});
  book.happened(task("1", "die"), false);
  (void)book.take();
  book.lost();
  const auto again = book.take();
  EXPECT_TRUE(again.complete);
  EXPECT_THAT(again.tasks, ElementsAre(task("2")));
}

TEST(NodeBook, TellsTheNewestSampleOfATaskThatRuns) {
  NodeBook book;
  book.list({task("1"), task("2")});
  (void)book.take();
  UsageSample usage;
  book.sampled("1", usage);
  book.sampled("2", usage);
  usage.cpu_percent = 7;
  book.sampled("2", usage);
  book.happened(task("1", "die"), false);
  const auto report = book.take();
  ASSERT_THAT(report.samples, SizeIs(1));
  EXPECT_EQ(report.samples.front().task, "2");
  EXPECT_EQ(report.samples.front().usage.cpu_percent, 7);
}

TEST(NodeBook, SamplesWaitUnlessSomebodyWaitsForThem) {
  NodeBook book;
  book.sampled("1", {});
  EXPECT_FALSE(book.has_news());
  book.hurry();
  EXPECT_TRUE(book.has_news());
  EXPECT_THAT(book.take().samples, SizeIs(1));
  EXPECT_FALSE(book.has_news());
  book.hurry();
  EXPECT_FALSE(book.has_news()) << "there are none";
}

TEST(NodeBook, IsBounded) {
  NodeBook book;
  for (std::size_t i = 0; i <= NodeBook::kMostNews; ++i) book.happened(task("1", "start"), true);
  const auto report = book.take();
  EXPECT_TRUE(report.complete);
  EXPECT_THAT(report.tasks, SizeIs(1));
  for (std::size_t i = 0; i < NodeBook::kMostSamples + 5; ++i) book.sampled(std::to_string(i), {});
  EXPECT_THAT(book.take().samples, SizeIs(NodeBook::kMostSamples));
  EXPECT_THAT(book.take().samples, SizeIs(5));
  EXPECT_THAT(book.take().samples, IsEmpty());
}

}  // namespace
}  // namespace rollcall
