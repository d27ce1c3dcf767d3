#include "discovery/docker/label_rules.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace rollcall::docker {
namespace {

const DockerLabelNames kNames;

Service service_with(Labels labels, std::uint32_t replicas = 1) {
  labels.emplace_back("autoscaler.enabled", "true");
  std::ranges::sort(labels);
  return {.id = "s1", .name = "shop", .labels = std::move(labels), .replicas = replicas};
}

TEST(LabelRules, UnsetLabelsHaveTheReferencesDefaults) {
  EXPECT_EQ(scaling_of(service_with({}), kNames).value(), Scaling({.metric = ScalingMetric::cpu,
                                                                   .cpu_threshold = 70,
                                                                   .memory_threshold = 70,
                                                                   .min_replicas = 1,
                                                                   .max_replicas = 2}));
  EXPECT_EQ(scaling_of(service_with({}, 5), kNames).value().max_replicas, 5U);
}

TEST(LabelRules, EachLabelIsRead) {
  const auto scaling = scaling_of(service_with({{"autoscaler.metric", "Memory"},
                                                {"autoscaler.cpu.threshold", "62.5"},
                                                {"autoscaler.memory.threshold", " 80 "},
                                                {"autoscaler.min", "2"},
                                                {"autoscaler.max", "6"}}),
                                  kNames);
  EXPECT_EQ(scaling.value(), Scaling({.metric = ScalingMetric::memory,
                                      .cpu_threshold = 62.5,
                                      .memory_threshold = 80,
                                      .min_replicas = 2,
                                      .max_replicas = 6}));
}

TEST(LabelRules, ABadValueLeavesTheServiceOutAndTheWarningNamesBoth) {
  const std::pair<std::string, std::string> kBad[] = {{"autoscaler.metric", "latency"},
                                                      {"autoscaler.cpu.threshold", "high"},
                                                      {"autoscaler.cpu.threshold", "nan"},
                                                      {"autoscaler.memory.threshold", "-1"},
                                                      {"autoscaler.min", "two"},
                                                      {"autoscaler.min", "1.5"},
                                                      {"autoscaler.max", "99999999999999"},
                                                      {"autoscaler.max", ""}};
  for (const auto& [label, value] : kBad) {
    const auto scaling = scaling_of(service_with({{label, value}}), kNames);
    ASSERT_FALSE(scaling) << label << "=" << value;
    EXPECT_EQ(scaling.error().service, "shop");
    EXPECT_EQ(scaling.error().label, label);
    EXPECT_TRUE(scaling.error().problem.starts_with("is \"" + value + "\"; allowed is ")) << scaling.error().problem;
  }
}

TEST(LabelRules, TheLabelsMayHaveOtherNames) {
  DockerLabelNames names;
  names.enabled = "scale";
  names.max = "most";
  const Service service{.id = "s1", .name = "shop", .labels = {{"most", "9"}, {"scale", "TRUE"}}, .replicas = 1};
  EXPECT_EQ(scaling_of(service, names).value().max_replicas, 9U);
}

TEST(LabelRules, WhoIsListedButNotEnabledIsNeverScaled) {
  const Service service{.id = "s1", .name = "shop", .labels = {{"autoscaler.max", "x"}}, .replicas = 3};
  EXPECT_EQ(scaling_of(service, kNames).value(), Scaling({.min_replicas = 3, .max_replicas = 3}));
}

TEST(LabelRules, EveryConditionHasToHold) {
  const Labels labels{{"autoscaler.enabled", "True"}, {"team", "a"}};
  const LabelCondition enabled{"autoscaler.enabled", "true"};
  EXPECT_TRUE(matches(labels, {}));
  EXPECT_TRUE(matches(labels, {{enabled}}));
  EXPECT_TRUE(matches(labels, std::vector<LabelCondition>{enabled, {"team", std::nullopt}}));
  EXPECT_FALSE(matches(labels, std::vector<LabelCondition>{enabled, {"team", "A"}}));
  EXPECT_FALSE(matches(labels, std::vector<LabelCondition>{{"zone", std::nullopt}}));
}

TEST(LabelRules, TooManyLabelsLeaveTheServiceOut) {
  DockerConfig config;
  config.model.labels = 1;
  const auto declared = declaration_of(service_with({{"a", "b"}}), config);
  ASSERT_FALSE(declared);
  EXPECT_EQ(declared.error().label, "labels");
}

TEST(LabelRules, APortIsAskedForByALabel) {
  EXPECT_EQ(wanted_port(service_with({})).value(), 0);
  EXPECT_EQ(wanted_port(service_with({{"rollcall.port", "8080"}})).value(), 8080);
  EXPECT_FALSE(wanted_port(service_with({{"rollcall.port", "0"}})));
  EXPECT_FALSE(wanted_port(service_with({{"rollcall.port", "web"}})));
}

}  // namespace
}  // namespace rollcall::docker
