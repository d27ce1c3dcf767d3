#include "discovery/docker/ledger.hpp"

#include <gtest/gtest.h>

#include "discovery/docker/recording_sink.hpp"

namespace rollcall::docker {
namespace {

using Said = std::vector<std::string>;

Sighting sighting(std::string_view id, Status health = Status::passing, std::string_view service = "shop") {
  InstanceSpec spec;
  spec.service = ServiceName(service);
  return {.id = InstanceId(id), .spec = std::move(spec), .health = health, .cause = {"swarm", "it is so"}};
}

InstancePtr known(std::string_view id) {
  auto instance = std::make_shared<Instance>();
  instance->id = InstanceId(id);
  instance->spec.service = ServiceName("shop");
  return instance;
}

TEST(Ledger, OnlyDifferencesAreSaid) {
  Ledger ledger;
  RecordingSink sink;
  EXPECT_TRUE(ledger.report("s1", {sighting("swarm:a"), sighting("swarm:b")}, "over", sink));
  EXPECT_EQ(sink.take(), (Said{"swarm:a passing", "swarm:b passing"}));
  EXPECT_FALSE(ledger.report("s1", {sighting("swarm:a"), sighting("swarm:b")}, "over", sink));
  EXPECT_TRUE(ledger.report("s1", {sighting("swarm:b", Status::critical), sighting("swarm:c")}, "over", sink));
  EXPECT_EQ(sink.take(), (Said{"swarm:a gone: over", "swarm:b critical", "swarm:c passing"}));
  EXPECT_EQ(ledger.size(), 2U);
  EXPECT_TRUE(ledger.end("s1", "removed", sink));
  EXPECT_EQ(sink.take(), (Said{"swarm:b gone: removed", "swarm:c gone: removed"}));
  EXPECT_FALSE(ledger.end("s1", "removed", sink));
  EXPECT_EQ(ledger.size(), 0U);
}

TEST(Ledger, WhatIsKnownFromBeforeIsNeitherSaidAgainNorGoneUntilTheListIsComplete) {
  Ledger ledger;
  RecordingSink sink;
  ledger.adopt({known("swarm:a"), known("swarm:b"), known("swarm:c")});
  ledger.report("s1", {sighting("swarm:a"), sighting("swarm:b", Status::warning)}, "over", sink);
  EXPECT_EQ(sink.take(), Said{"swarm:b warning"});
  ledger.end_unclaimed([](const InstanceId&) { return true; }, "no longer there", sink);
  EXPECT_EQ(sink.take(), Said{"swarm:c gone: no longer there"});
}

TEST(Ledger, AnIdThatChangesItsServiceGoesFirst) {
  Ledger ledger;
  RecordingSink sink;
  ledger.report("c1", {sighting("docker:a")}, "over", sink);
  EXPECT_FALSE(sink.take().empty());
  ledger.report("c1", {sighting("docker:a", Status::passing, "desk")}, "over", sink);
  EXPECT_EQ(sink.take(), (Said{"docker:a gone: it goes by another service's name now", "docker:a passing"}));
}

TEST(Ledger, AfterARefusalEverythingIsSaidOnceMore) {
  Ledger ledger;
  RecordingSink sink;
  ledger.report("s1", {sighting("swarm:a")}, "over", sink);
  EXPECT_FALSE(sink.take().empty());
  ledger.say_all_again();
  ledger.report("s1", {sighting("swarm:a")}, "over", sink);
  EXPECT_EQ(sink.take(), Said{"swarm:a passing"});
  EXPECT_FALSE(ledger.report("s1", {sighting("swarm:a")}, "over", sink));
}

}  // namespace
}  // namespace rollcall::docker
