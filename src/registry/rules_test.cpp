#include "registry/rules.hpp"

#include <gtest/gtest.h>

namespace rollcall {
namespace {

using namespace std::chrono_literals;

const WallTime kNow{1'700'000'000s};
const Limits kLimits;

Register registration(std::string session = {}) {
  Register wanted;
  wanted.id = InstanceId("a");
  wanted.spec.service = ServiceName("billing");
  wanted.spec.address = "127.0.0.1";
  wanted.spec.port = 80;
  wanted.spec.lease = LeaseTerms{};
  wanted.session = Session(std::move(session));
  return wanted;
}

/// The instance as the Store would leave it after `change`.
Known stored(const Change& change, std::uint64_t revision) {
  Instance instance = change.instance;
  instance.number = InstanceNumber{1};
  instance.modified = Revision{revision};
  if (!instance.created) instance.created = instance.modified;
  return {std::make_shared<const Instance>(instance), change.kind == EventKind::removed, change.at};
}

Known after(const Request& request, const std::optional<Known>& before, WallTime now = kNow) {
  const auto decision = decide(request, before, now, kLimits);
  EXPECT_TRUE(decision) << decision.error().message;
  return stored(*decision->change, before ? before->instance->modified.value + 1 : 1);
}

TEST(Rules, ARegistrationIsCreatedThenRenewedThenUpdated) {
  const auto first = decide(registration("s1"), std::nullopt, kNow, kLimits);
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->created);
  EXPECT_EQ(first->change->kind, EventKind::registered);
  const auto known = stored(*first->change, 1);

  const auto renewal = decide(registration("s1"), known, kNow, kLimits);
  EXPECT_FALSE(renewal->change);
  EXPECT_EQ(renewal->unchanged, known.instance);

  auto other = registration("s1");
  other.spec.port = 81;
  const auto update = decide(other, known, kNow, kLimits);
  EXPECT_EQ(update->change->kind, EventKind::updated);
  EXPECT_FALSE(update->created);
  EXPECT_EQ(update->change->instance.incarnation, Incarnation{1});
}

TEST(Rules, ANewSessionIsANewIncarnationAndTheOldOneIsRefused) {
  const auto first = after(registration("s1"), std::nullopt);
  const auto second = after(registration("s2"), first);
  EXPECT_EQ(second.instance->incarnation, Incarnation{2});
  EXPECT_EQ(second.instance->number, InstanceNumber{1});

  EXPECT_EQ(decide(registration("s1"), second, kNow + 59min, kLimits).error().code, ErrorCode::conflict);
  EXPECT_EQ(decide(Beat{InstanceId("a"), Session("s1")}, second, kNow, kLimits).error().code, ErrorCode::conflict);
  EXPECT_EQ(decide(Deregister{.id = InstanceId("a"), .session = Session("s1"), .cause = {}}, second, kNow, kLimits)
                .error()
                .code,
            ErrorCode::conflict);
  EXPECT_TRUE(decide(registration("s1"), second, kNow + 61min, kLimits));
}

TEST(Rules, ATombstoneRefusesItsSessionsForAnHour) {
  const auto first = after(registration("s1"), std::nullopt);
  const auto second = after(registration("s2"), first);
  const auto gone = after(Deregister{.id = InstanceId("a"), .session = Session("s2"), .cause = {}}, second);

  for (const auto* session : {"s1", "s2"}) {
    EXPECT_EQ(decide(registration(session), gone, kNow + 59min, kLimits).error().code, ErrorCode::conflict) << session;
  }
  const auto third = decide(registration("s3"), gone, kNow, kLimits);
  ASSERT_TRUE(third);
  EXPECT_TRUE(third->created);
  EXPECT_EQ(third->change->instance.incarnation, Incarnation{3});
  EXPECT_EQ(third->change->instance.number, InstanceNumber{1});
  EXPECT_EQ(third->change->instance.retired.size(), 2U);
}

TEST(Rules, AnIdBelongsToOneServiceAndOneSource) {
  const auto known = after(registration(), std::nullopt);
  auto elsewhere = registration();
  elsewhere.spec.service = ServiceName("shipping");
  EXPECT_EQ(decide(elsewhere, known, kNow, kLimits).error().code, ErrorCode::conflict);
  Observe seen{InstanceId("a"), registration().spec, Status::passing, Source::probe, {}};
  EXPECT_EQ(decide(seen, known, kNow, kLimits).error().code, ErrorCode::conflict);
  Deregister foreign{.id = InstanceId("a"), .session = {}, .source = Source::probe, .cause = {}};
  EXPECT_EQ(decide(foreign, known, kNow, kLimits).error().code, ErrorCode::conflict);
}

TEST(Rules, ExpiryRemovesAtOnceUnlessToldToWait) {
  const auto known = after(registration(), std::nullopt);
  const auto removed = decide(Expire{InstanceId("a"), 30200ms}, known, kNow, kLimits);
  EXPECT_EQ(removed->change->kind, EventKind::removed);
  EXPECT_EQ(removed->change->cause.evidence, "no heartbeat for 30.2 s");
  EXPECT_EQ(removed->change->instance.health, Status::critical);

  auto patient = registration();
  patient.spec.lease->deregister_after = 60s;
  const auto waiting = after(Expire{InstanceId("a"), 31s}, after(patient, std::nullopt));
  EXPECT_TRUE(waiting.instance->lapsed);
  EXPECT_EQ(waiting.instance->status(), Status::critical);

  const auto revived = decide(Beat{InstanceId("a"), {}}, waiting, kNow, kLimits);
  EXPECT_EQ(revived->change->instance.status(), Status::passing);
  const auto buried = decide(Bury{InstanceId("a")}, waiting, kNow, kLimits);
  EXPECT_EQ(buried->change->kind, EventKind::removed);
}

TEST(Rules, AHeartbeatForOneSourceMeetsNoOther) {
  auto patient = registration();
  patient.spec.lease->deregister_after = 60s;
  const auto waiting = after(Expire{InstanceId("a"), 31s}, after(patient, std::nullopt));
  EXPECT_EQ(decide(Beat{InstanceId("a"), {}, Source::socket}, waiting, kNow, kLimits).error().code,
            ErrorCode::not_found);
  EXPECT_TRUE(decide(Beat{InstanceId("a"), {}, Source::api}, waiting, kNow, kLimits));
}

TEST(Rules, ACheckDoesNotMendWhatSilenceBroke) {
  auto patient = registration();
  patient.spec.lease->deregister_after = 60s;
  const auto lapsed = after(Expire{InstanceId("a"), 31s}, after(patient, std::nullopt));
  const auto decision = decide(SetHealth{InstanceId("a"), Status::passing, {"check", "ok"}}, lapsed, kNow, kLimits);
  EXPECT_FALSE(decision->change);
}

TEST(Rules, MaintenanceHidesHealthAndOutlivesASession) {
  const auto known = after(registration("s1"), std::nullopt);
  const auto paused = after(SetMaintenance{InstanceId("a"), true, "upgrade"}, known);
  EXPECT_EQ(paused.instance->status(), Status::maintenance);
  EXPECT_EQ(paused.instance->health, Status::passing);
  EXPECT_FALSE(decide(SetMaintenance{InstanceId("a"), true, "upgrade"}, paused, kNow, kLimits)->change);
  EXPECT_EQ(after(registration("s2"), paused).instance->status(), Status::maintenance);
}

TEST(Rules, AnObservationRegistersUpdatesOrChangesHealth) {
  Observe seen{InstanceId("a"), registration().spec, Status::passing, Source::probe, {"probe", "answered"}};
  seen.spec.lease.reset();
  const auto known = after(seen, std::nullopt);
  EXPECT_FALSE(decide(seen, known, kNow, kLimits)->change);

  seen.health = Status::critical;
  seen.cause.evidence = "connect to 127.0.0.1:80 refused";
  const auto offline = decide(seen, known, kNow, kLimits);
  EXPECT_EQ(offline->change->kind, EventKind::status_changed);
  EXPECT_EQ(offline->change->instance.status_reason, "connect to 127.0.0.1:80 refused");

  seen.spec.tags = {"dicom"};
  EXPECT_EQ(decide(seen, known, kNow, kLimits)->change->kind, EventKind::updated);
}

TEST(Rules, AnObservationOfWhatIsStillCriticalBringsTheNewerReason) {
  Observe seen{InstanceId("a"), registration().spec, Status::critical, Source::swarm, {"swarm", "task is assigned"}};
  seen.spec.lease.reset();
  const auto known = after(seen, std::nullopt);
  seen.spec.metadata = {{"state", "starting"}};
  seen.cause.evidence = "task is starting";
  const auto later = decide(seen, known, kNow + 5s, kLimits)->change->instance;
  EXPECT_EQ(later.status_reason, "task is starting");
  EXPECT_EQ(later.status_since, kNow);
}

TEST(Rules, WhatIsNotThereIsNotFound) {
  const InstanceId id("a");
  for (const Request& request : {Request(Beat{id, {}}), Request(Deregister{.id = id, .session = {}, .cause = {}}),
                                 Request(SetMaintenance{id, true, ""}), Request(SetHealth{id, Status::passing, {}}),
                                 Request(Expire{id, 1s}), Request(Bury{id})}) {
    EXPECT_EQ(decide(request, std::nullopt, kNow, kLimits).error().code, ErrorCode::not_found);
  }
}

}  // namespace
}  // namespace rollcall
