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
  ledger.reconcile({known("swarm:a"), known("swarm:b"), known("swarm:c")});
  ledger.report("s1", {sighting("swarm:a"), sighting("swarm:b", Status::warning)}, "over", sink);
  EXPECT_EQ(sink.take(), Said{"swarm:b warning"});
  ledger.end_unclaimed("no longer there", sink);
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

TEST(Ledger, WhatTheCatalogHasOtherwiseIsSaidAgain) {
  Ledger ledger;
  RecordingSink sink;
  ledger.report("s1", {sighting("swarm:a"), sighting("swarm:b"), sighting("swarm:c")}, "over", sink);
  ledger.report("s2", {sighting("swarm:d")}, "over", sink);
  EXPECT_FALSE(sink.take().empty());
  const auto unhealthy = [](const InstancePtr& instance) {
    auto changed = std::make_shared<Instance>(*instance);
    changed->health = Status::critical;
    return changed;
  };
  // b is another's late word, c was never written, and old is nobody's.
  const auto differing =
      ledger.reconcile({known("swarm:a"), unhealthy(known("swarm:b")), known("swarm:d"), known("swarm:old")});
  EXPECT_EQ(differing, Said{"s1"});
  ledger.end_unclaimed("not there", sink);
  EXPECT_EQ(sink.take(), Said{"swarm:old gone: not there"});
  EXPECT_TRUE(ledger.report("s1", {sighting("swarm:a"), sighting("swarm:b"), sighting("swarm:c")}, "over", sink));
  EXPECT_EQ(sink.take(), (Said{"swarm:b passing", "swarm:c passing"}));
  EXPECT_FALSE(ledger.report("s2", {sighting("swarm:d")}, "over", sink));
}

}  // namespace
}  // namespace rollcall::docker
