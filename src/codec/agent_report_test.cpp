#include "codec/agent_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rollcall::codec {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

Result<AgentReport> decoded(std::string_view json, std::size_t most = 10) {
  return decode_agent_report(json, ModelLimits{}, most);
}

TEST(AgentReport, SurvivesTheWire) {
  AgentReport report;
  report.complete = true;
  report.tasks = {{"t1", "s1", "c1", "", ContainerHealth::healthy}, {"t2", "s\"2", "c2", "die", ContainerHealth::none}};
  report.samples.push_back({"t1", {}});
  auto& usage = report.samples.front().usage;
  usage.cpu_percent = 12.5;
  usage.memory_bytes = 1'000;
  usage.memory_working_bytes = 900;
  usage.block_write_bytes = 7;

  const auto again = decoded(encode_agent_report(report));

  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->complete);
  EXPECT_EQ(again->tasks, report.tasks);
  ASSERT_EQ(again->samples.size(), 1U);
  EXPECT_EQ(again->samples.front().task, "t1");
  EXPECT_EQ(again->samples.front().usage.cpu_percent, 12.5);
  EXPECT_THAT(again->samples.front().usage.memory_working_bytes, Optional(900U));
  EXPECT_THAT(again->samples.front().usage.block_write_bytes, Optional(7U));
  EXPECT_FALSE(again->samples.front().usage.network_rx_bytes);
}

TEST(AgentWishes, SurviveTheWire) {
  const AgentWishes wishes{{"t1", "t\"2"}};
  EXPECT_EQ(decode_agent_wishes(encode_agent_wishes(wishes), ModelLimits{}, 2)->sample, wishes.sample);
  EXPECT_EQ(decode_agent_wishes("{}", ModelLimits{}, 2)->sample.size(), 0U);
  EXPECT_EQ(decode_agent_wishes(R"({"sample":["a",1]})", ModelLimits{}, 2).error().field, "sample[1]");
  EXPECT_EQ(decode_agent_wishes(R"({"sample":["a","b","c"]})", ModelLimits{}, 2).error().field, "sample");
}

TEST(AgentReport, MayBeEmpty) {
  const auto report = decoded("{}");
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->complete);
  EXPECT_TRUE(report->tasks.empty());
}

TEST(AgentReport, NamesWhatIsWrong) {
  const std::pair<std::string_view, std::string_view> kWrong[] = {
      {R"({"complete":1})", "complete"},
      {R"({"tasks":{}})", "tasks"},
      {R"({"tasks":[1]})", "tasks[0]"},
      {R"({"tasks":[{"service":"s"}]})", "tasks[0].task"},
      {R"({"tasks":[{"task":"t","service":"s","container":"c","health":"fine"}]})", "tasks[0].health"},
      {R"({"tasks":[{"task":"t","service":"s","container":"c","more":1}]})", "tasks[0].more"},
      {R"({"samples":[{"task":"t","cpu_percent":-1,"memory_bytes":1}]})", "samples[0].cpu_percent"},
      {R"({"samples":[{"task":"t","cpu_percent":1}]})", "samples[0].memory_bytes"},
      {R"({"samples":[{"task":"t","cpu_percent":1,"memory_bytes":1,"network_rx_bytes":"2"}]})",
       "samples[0].network_rx_bytes"},
  };
  for (const auto& [json, field] : kWrong) {
    const auto report = decoded(json);
    ASSERT_FALSE(report) << json;
    EXPECT_EQ(report.error().field, field) << json;
  }
}

TEST(AgentReport, IsBounded) {
  const auto report = decoded(
      R"({"tasks":[{"task":"a","service":"s","container":"c"},{"task":"b","service":"s","container":"d"}]})", 1);
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, HasSubstr("allowed are 1"));
}

}  // namespace
}  // namespace rollcall::codec
