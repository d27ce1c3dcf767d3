#include "server/probing.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "discovery/probe/probe_provider.hpp"

namespace rollcall {
namespace {

std::string office_of(const ProbeRange& range) { return fmt::format("probe {}", fmt::join(range.hosts, ",")); }

ProbeConfig with_range(ProbeConfig config, const ProbeRange& range) {
  config.ranges = {range};
  return config;
}

/// As the provider calls it, that knows of no other view.
InstancePtr without_suffix(const InstancePtr& instance, std::string_view suffix) {
  auto plain = std::make_shared<Instance>(*instance);
  auto id = instance->id.str();
  id.resize(id.size() - suffix.size());
  plain->id = InstanceId(std::move(id));
  return plain;
}

}  // namespace

std::vector<std::string> Probing::offices_of(const Settings& settings) {
  std::vector<std::string> offices;
  if (!settings.probe_enabled || settings.probe_each_node) return offices;
  for (const auto& range : settings.probe.ranges) offices.push_back(office_of(range));
  return offices;
}

Probing::Probing(const Parts& parts, const ProbeConfig& config, const std::vector<std::string>& offices,
                 std::string own_view)
    : parts_(parts), suffix_(own_view.empty() ? own_view : "@" + own_view) {
  if (offices.empty()) add_area(config, {});
  for (std::size_t i = 0; i < offices.size(); ++i) add_area(with_range(config, config.ranges[i]), offices[i]);
}

Probing::~Probing() { stop(); }

void Probing::add_area(const ProbeConfig& config, std::string office) {
  Area area{.office = std::move(office),
            .hosts = {},
            .sink = std::make_unique<RegistrySink>(parts_, Source::probe, suffix_),
            .provider = make_probe_provider(config, parts_.clock)};
  for (const auto& target : targets_of(config).value()) area.hosts.insert(target.host);
  areas_.push_back(std::move(area));
}

void Probing::start() {
  for (auto& area : areas_) {
    if (area.office.empty()) probe(area);
  }
}

void Probing::hold(std::vector<std::string> offices) {
  thread_.post([this, offices = std::move(offices)] {
    for (auto& area : areas_) {
      const bool is_ours = std::ranges::find(offices, area.office) != offices.end();
      if (area.office.empty() || is_ours == area.probes) continue;
      log::info("probe", "{} {}", is_ours ? "this node holds the office" : "another node may hold the office",
                area.office);
      is_ours ? probe(area) : end(area);
    }
  });
}

void Probing::probe(Area& area) {
  area.provider->start(*area.sink, [this, &area] { return known_in(area); });
  area.probes = true;
}

void Probing::end(Area& area) {
  area.provider->stop();
  area.sink->forget();
  area.probes = false;
}

/// What is in none of the ranges is the first one's, which ends it.
std::vector<InstancePtr> Probing::known_in(const Area& area) const {
  const auto is_in = [](const Area& any, const Instance& instance) {
    return any.hosts.contains(instance.spec.address);
  };
  std::vector<InstancePtr> known;
  for (const auto& instance : instances_of(parts_.catalog, Source::probe)) {
    if (!suffix_.empty()) {
      if (instance->id.view().ends_with(suffix_)) known.push_back(without_suffix(instance, suffix_));
    } else if (is_in(area, *instance) ||
               (&area == &areas_.front() &&
                std::ranges::none_of(areas_, [&](const Area& any) { return is_in(any, *instance); }))) {
      known.push_back(instance);
    }
  }
  return known;
}

void Probing::stop() {
  thread_.stop();
  for (auto& area : areas_) {
    if (area.probes) end(area);
  }
}

std::string Probing::trouble() const {
  for (const auto& area : areas_) {
    if (auto trouble = area.provider->trouble(); !trouble.empty()) return trouble;
  }
  return {};
}

}  // namespace rollcall
