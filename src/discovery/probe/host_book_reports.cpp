// What of a host's book goes to the sink, and the entries that aren't Orthanc.
#include <fmt/format.h>

#include "discovery/probe/host_book.hpp"

namespace rollcall::probe {

void HostBook::report(const Server& server) const {
  Sighting sighting;
  sighting.id = orthanc_id(host_, server.facts.web_port);
  sighting.spec = orthanc_spec(host_, server.facts);
  sighting.health = server.tracker.health();
  sighting.cause = probe_cause(server.tracker.evidence());
  sink_.seen(std::move(sighting));
}

void HostBook::report_sample(const Server& server) const {
  if (!server.reported) return;
  Sample sample = server.sample;
  if (!sample.orthanc) sample.orthanc.emplace();
  sample.orthanc->restarts = server.tracker.restarts();
  sink_.sampled(orthanc_id(host_, server.facts.web_port), sample);
}

void HostBook::report(const OtherKey& key, const Other& other) const {
  Sighting sighting;
  sighting.id = other_id(host_, key.first, key.second);
  sighting.spec = other_spec(host_, key.first, key.second, other.server_header);
  sighting.health = other.tracker.health();
  sighting.cause = probe_cause(other.tracker.evidence());
  sink_.seen(std::move(sighting));
}

/// A port is one thing at a time: what was http and now only accepts is tcp.
void HostBook::see_other(const OtherKey& key, const WebAnswer& answer, Now now) {
  const auto rival = key.first == kHttpService ? kTcpService : kHttpService;
  forget_other({std::string(rival), key.second}, fmt::format("{}:{} is {} now", host_, key.second, key.first));
  const auto [entry, is_new] =
      others_.try_emplace(key, Other{answer.server, ServerTracker(rules(), answer.evidence, now.mono)});
  entry->second.server_header = answer.server;
  if (!is_new) observe_other(key, {Outcome::answered, answer.evidence, now.mono}, now);
}

void HostBook::fail_others(std::uint16_t port, const WebAnswer& answer, Now now) {
  for (const auto service : {kHttpService, kTcpService})
    observe_other({std::string(service), port}, {answer.outcome, answer.evidence, now.mono}, now);
}

bool HostBook::observe_other(const OtherKey& key, const Observation& observation, Now) {
  const auto entry = others_.find(key);
  if (entry == others_.end()) return false;
  const auto step = entry->second.tracker.observe(observation);
  if (step == ServerTracker::Step::changed) report(key, entry->second);
  if (step == ServerTracker::Step::gone) forget_other(key, observation.evidence);
  return step != ServerTracker::Step::gone;
}

void HostBook::forget_other(const OtherKey& key, std::string evidence) {
  if (others_.erase(key) > 0) sink_.gone(other_id(host_, key.first, key.second), probe_cause(std::move(evidence)));
}

}  // namespace rollcall::probe
