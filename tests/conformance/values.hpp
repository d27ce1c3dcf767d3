#pragma once
// Values that a test's story is told with, and comparisons of what comes back.
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "store/store.hpp"

namespace rollcall::testing {

inline const WallTime kNoon = WallTime(std::chrono::milliseconds(1'768'474'800'000));

/// Every field set, so that one that is lost shows.
inline Instance full_instance(std::string id, std::string service = "billing") {
  Instance instance;
  instance.id = InstanceId(std::move(id));
  instance.spec.service = ServiceName(std::move(service));
  instance.spec.address = "2001:db8::7";
  instance.spec.port = 8443;
  instance.spec.weight = 70'000;
  instance.spec.tags = {"blue", "größe"};
  instance.spec.metadata = {{"a", ""}, {"zone", std::string("x\0y", 3)}};
  instance.spec.lease = LeaseTerms{std::chrono::milliseconds(12'345), std::chrono::milliseconds(600'000)};
  instance.spec.check = CheckSpec{CheckSpec::Kind::http, "http://[::1]:1/h", std::chrono::milliseconds(7'000),
                                  std::chrono::milliseconds(3'000)};
  instance.session = Session("nonce");
  instance.source = Source::probe;
  instance.health = Status::critical;
  instance.lapsed = true;
  instance.maintenance = std::string();
  instance.status_reason = "refused";
  instance.status_since = kNoon - std::chrono::milliseconds(1);
  instance.registered_at = WallTime(std::chrono::milliseconds(-5));
  instance.incarnation = Incarnation{3};
  instance.retired = {{Session("old"), kNoon}};
  return instance;
}

/// Every field of a declared service set.
inline Instance full_declaration(std::string id, std::string service = "billing") {
  auto record = full_instance(std::move(id), std::move(service));
  record.source = Source::docker;
  record.spec.declares = Declaration{.native_id = "6aojhy4t",
                                     .labels = {{"a", ""}, {"traefik.rule", "Host(`größe`)"}},
                                     .replicas = 70'000,
                                     .global = true,
                                     .scaling = {.metric = ScalingMetric::memory,
                                                 .cpu_threshold = 62.5,
                                                 .memory_threshold = -0.125,
                                                 .min_replicas = 0,
                                                 .max_replicas = 4'000'000'000},
                                     .created_at = kNoon,
                                     .updated_at = kNoon + std::chrono::milliseconds(1)};
  return record;
}

inline Change registering(Instance instance, WallTime at = kNoon) {
  return {EventKind::registered, std::move(instance), {"api", "asked to"}, at};
}

/// A change of what an earlier event left.
inline Change following(EventKind kind, const Instance& instance, WallTime at = kNoon) {
  return {kind, instance, {"lease", "no heartbeat for 30.2 s"}, at};
}

inline ChangeBatch batch(Revision seen, std::vector<Change> changes) { return {seen, std::move(changes)}; }

inline auto tie_of(const Instance& i) {
  return std::tie(i.id, i.spec, i.session, i.source, i.health, i.lapsed, i.maintenance, i.status_reason, i.status_since,
                  i.registered_at, i.incarnation, i.retired, i.number, i.created, i.modified);
}
inline bool same(const Instance& a, const Instance& b) { return tie_of(a) == tie_of(b); }
inline bool same(const Event& a, const Event& b) {
  return a.revision == b.revision && a.previous == b.previous && a.at == b.at && a.kind == b.kind &&
         a.cause == b.cause && same(*a.instance, *b.instance);
}

inline std::vector<std::uint64_t> revisions_of(const std::vector<EventPtr>& events) {
  std::vector<std::uint64_t> revisions;
  for (const auto& event : events) revisions.push_back(event->revision.value);
  return revisions;
}

inline std::vector<std::string> ids_of(const std::vector<InstancePtr>& instances) {
  std::vector<std::string> ids;
  for (const auto& instance : instances) ids.push_back(instance->id.str());
  return ids;
}

}  // namespace rollcall::testing

namespace rollcall {
template <class Tag>
std::ostream& operator<<(std::ostream& out, StrongNumber<Tag> number) {
  return out << number.value;
}
}  // namespace rollcall
