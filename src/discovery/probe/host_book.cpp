#include "discovery/probe/host_book.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "discovery/probe/pairing.hpp"

namespace rollcall::probe {
namespace {

/// An Orthanc that starts opens its DICOM port first: only what stays alone is a node of its own.
constexpr unsigned kSweepsAlone = 2;

bool contains(const PortList& ports, std::uint16_t port) { return std::ranges::binary_search(ports, port); }

Duration unseen_for(const Instance& instance, Now now, std::chrono::milliseconds most) {
  if (instance.health == Status::passing) return Duration{0};
  return std::clamp<std::chrono::milliseconds>(now.wall - instance.status_since, std::chrono::milliseconds(0), most);
}

}  // namespace

HostBook::HostBook(std::string host, const ProbeConfig& config, const ProbeRange& range, ProviderSink& sink)
    : host_(std::move(host)),
      config_(config),
      range_(range),
      sink_(sink),
      dicom_(config.failures_before_offline, config.echo_interval) {}

TrackerRules HostBook::rules() const { return {config_.failures_before_offline, config_.remove_after}; }

bool HostBook::adopt(const Instance& instance, Now now) {
  const std::uint16_t port = instance.spec.port;
  const std::string& service = instance.spec.service.str();
  ServerTracker tracker(rules(), instance.health, instance.status_reason, now.mono,
                        unseen_for(instance, now, config_.remove_after));
  if (instance.id == orthanc_id(host_, port)) {
    if (service != kOrthancService || !contains(range_.web_ports, port)) return false;
    Sample sample;
    sample.first_seen = instance.registered_at;
    sample.last_seen = instance.health == Status::passing ? now.wall : instance.status_since;
    auto facts = facts_from(instance.spec);
    if (facts.dicom_port && contains(range_.dicom_ports, *facts.dicom_port)) dicom_.believe(*facts.dicom_port);
    servers_.insert_or_assign(port, Server{std::move(facts), std::move(tracker), sample, true});
    return true;
  }
  if (instance.id != other_id(host_, service, port)) return false;
  const bool is_dicom = service == kDicomService && config_.report_dicom && contains(range_.dicom_ports, port);
  const bool is_web =
      (service == kHttpService || service == kTcpService) && config_.report_other && contains(range_.web_ports, port);
  if (!is_dicom && !is_web) return false;
  if (is_dicom) dicom_.believe(port);
  others_.insert_or_assign(OtherKey{service, port}, Other{"", std::move(tracker)});
  return true;
}

bool HostBook::found(std::uint16_t web_port, const WebAnswer& answer, Now now) {
  if (answer.outcome == Outcome::answered) {
    for (const auto service : {kHttpService, kTcpService})
      forget_other({std::string(service), web_port}, fmt::format("{}:{} is an Orthanc now", host_, web_port));
    if (knows(web_port) || servers_.size() >= config_.max_servers_per_host) return false;
    Sample sample;
    sample.first_seen = sample.last_seen = now.wall;
    sample.response_time_ms = answer.response_time_ms;
    OrthancFacts facts{web_port, answer.locked, answer.identity.value_or(OrthancIdentity{}), "", std::nullopt};
    servers_.emplace(web_port,
                     Server{std::move(facts), ServerTracker(rules(), answer.evidence, now.mono), sample, false});
    return true;
  }
  if (!config_.report_other) return false;
  if (answer.connected)
    see_other({std::string(answer.is_http ? kHttpService : kTcpService), web_port}, answer, now);
  else
    fail_others(web_port, answer, now);
  return false;
}

bool HostBook::checked(std::uint16_t web_port, const WebAnswer& answer, Now now) {
  const auto entry = servers_.find(web_port);
  if (entry == servers_.end()) return false;
  Server& server = entry->second;
  const auto step = server.tracker.observe({answer.outcome, answer.evidence, now.mono});
  if (step == ServerTracker::Step::gone) {
    if (server.reported) sink_.gone(orthanc_id(host_, web_port), probe_cause(answer.evidence));
    servers_.erase(entry);
    return false;
  }
  bool changed = step == ServerTracker::Step::changed;
  if (answer.outcome == Outcome::answered) {
    OrthancFacts facts = server.facts;
    facts.locked = answer.locked;
    if (answer.identity) facts.identity = *answer.identity;
    changed = changed || facts != server.facts;
    server.facts = std::move(facts);
    server.sample.last_seen = now.wall;
    server.sample.response_time_ms = answer.response_time_ms;
  }
  if (changed && server.reported) report(server);
  if (answer.outcome == Outcome::answered) report_sample(server);
  return true;
}

void HostBook::detailed(std::uint16_t web_port, const OrthancSample& counts, std::optional<std::string> plugins) {
  const auto entry = servers_.find(web_port);
  if (entry == servers_.end()) return;
  Server& server = entry->second;
  OrthancSample merged = counts;
  if (const auto& before = server.sample.orthanc) {
    merged.cpu_percent = before->cpu_percent;
    merged.memory_bytes = before->memory_bytes;
  }
  server.sample.orthanc = merged;
  if (plugins && *plugins != server.facts.plugins) {
    server.facts.plugins = std::move(*plugins);
    if (server.reported) report(server);
  }
}

void HostBook::saw_process(std::uint16_t web_port, std::uint64_t start_ticks, std::optional<double> cpu_percent,
                           std::uint64_t memory_bytes) {
  const auto entry = servers_.find(web_port);
  if (entry == servers_.end()) return;
  Server& server = entry->second;
  server.tracker.saw_process(start_ticks);
  if (!server.sample.orthanc) server.sample.orthanc.emplace();
  server.sample.orthanc->cpu_percent = cpu_percent;
  server.sample.orthanc->memory_bytes = memory_bytes;
}

bool HostBook::dicom_connected(std::uint16_t port, Outcome outcome, Now now) {
  return dicom_.connected(port, outcome, now.mono);
}

void HostBook::dicom_echoed(std::uint16_t port, EchoResult result, Now now) { dicom_.echoed(port, result, now.mono); }

bool HostBook::dicom_checked(std::uint16_t port, const Observation& observation, Now now) {
  return observe_other({std::string(kDicomService), port}, observation, now);
}

void HostBook::sweep_finished(Now now) {
  pair();
  for (auto& [port, server] : servers_) {
    server.reported = true;
    report(server);
    report_sample(server);
  }
  review_dicom_nodes(now);
  for (const auto& [key, other] : others_) report(key, other);
}

void HostBook::pair() {
  std::vector<PairingServer> claims;
  for (const auto& [port, server] : servers_)
    claims.push_back({port, server.facts.identity.dicom_port, server.tracker.online(), server.facts.dicom_port});
  const auto pairing = pair_ports(claims, dicom_.answering(), range_);
  for (auto& [port, server] : servers_) {
    const auto found = pairing.find(port);
    server.facts.dicom_port = found == pairing.end() ? std::nullopt : std::optional(found->second);
  }
}

void HostBook::review_dicom_nodes(Now now) {
  PortList taken;
  for (const auto& [port, server] : servers_)
    if (server.facts.dicom_port) taken.push_back(*server.facts.dicom_port);
  std::ranges::sort(taken);
  for (const std::uint16_t port : taken) {
    sweeps_alone_.erase(port);
    forget_other({std::string(kDicomService), port}, fmt::format("{}:{} belongs to an Orthanc", host_, port));
  }
  std::erase_if(sweeps_alone_, [&](const auto& entry) { return !dicom_.answers(entry.first); });
  for (const std::uint16_t port : dicom_.answering()) {
    if (contains(taken, port) || ++sweeps_alone_[port] < kSweepsAlone || !config_.report_dicom) continue;
    const OtherKey key{std::string(kDicomService), port};
    others_.try_emplace(key, Other{"", ServerTracker(rules(), "answered a C-ECHO", now.mono)});
  }
}

bool HostBook::online(std::uint16_t web_port) const {
  const auto found = servers_.find(web_port);
  return found != servers_.end() && found->second.tracker.online();
}

bool HostBook::locked(std::uint16_t web_port) const {
  const auto found = servers_.find(web_port);
  return found != servers_.end() && found->second.facts.locked;
}

PortList HostBook::web_ports_known() const {
  PortList ports;
  for (const auto& [port, server] : servers_) ports.push_back(port);
  return ports;
}

PortList HostBook::dicom_nodes_known() const {
  PortList ports;
  for (const auto& [key, other] : others_)
    if (key.first == kDicomService) ports.push_back(key.second);
  return ports;
}

}  // namespace rollcall::probe
