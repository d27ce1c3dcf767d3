#include "orchestrator.hpp"

#include <set>

#include "observer.hpp"

namespace rollcall::sim {
namespace {

InstanceId record_id(const std::string& service) { return InstanceId("swarm:service:" + service); }
InstanceId task_id(const std::string& task) { return InstanceId("swarm:" + task); }

}  // namespace

Orchestrator::Orchestrator(World& world, Desk& desk, std::deque<Node>& nodes)
    : world_(world), desk_(desk), nodes_(nodes), random_(world.random.fork("orchestrator")) {
  const auto many = random_.below(5);
  for (std::size_t i = 0; i < many; ++i) {
    services_[fmt::format("o{}", i)].name = ServiceName(fmt::format("s{}", random_.below(world.config.services)));
  }
}

void Orchestrator::act() {
  if (services_.empty()) return;
  if (random_.chance(0.05)) return remark();
  auto& [id, service] = *std::next(services_.begin(), static_cast<std::ptrdiff_t>(random_.below(services_.size())));
  change(service, id);
  for (Observer* observer : observers_) observer->changed(id);
}

void Orchestrator::change(Service& service, const std::string& id) {
  if (!service.there || random_.chance(0.1)) {
    service.there = !service.there;
    service.tasks.clear();
    return;
  }
  const auto name = fmt::format("{}t{}", id, random_.below(6));
  const auto choice = random_.below(10);
  if (choice < 2) {
    service.replicas = static_cast<std::uint32_t>(1 + random_.below(9));
  } else if (choice < 6) {
    service.tasks[name].version = ++versions_;
  } else if (choice < 8) {
    service.tasks.erase(name);
  } else if (const auto task = service.tasks.find(name); task != service.tasks.end()) {
    task->second.health = random_.chance(0.5) ? Status::critical : Status::passing;
  }
}

void Orchestrator::remark() {
  const auto service = std::next(services_.begin(), static_cast<std::ptrdiff_t>(random_.below(services_.size())));
  Node& node = nodes_[random_.below(nodes_.size())];
  (void)desk_.deliver(node, random_.below(world_.config.io_threads), Remark{record_id(service->first), "scale it"},
                      [](const auto&) {});
}

std::vector<std::string> Orchestrator::services() const {
  std::vector<std::string> ids;
  for (const auto& [id, service] : services_) {
    if (service.there) ids.push_back(id);
  }
  return ids;
}

std::vector<Sighting> Orchestrator::sightings_of(const std::string& id) const {
  const auto& service = services_.at(id);
  std::vector<Sighting> sightings;
  if (!service.there) return sightings;
  auto& record = sightings.emplace_back();
  record.id = record_id(id);
  record.spec.service = service.name;
  record.spec.declares.emplace().replicas = service.replicas;
  record.cause = {"swarm", "settings"};
  for (const auto& [name, task] : service.tasks) {
    auto& sighting = sightings.emplace_back();
    sighting.id = task_id(name);
    sighting.spec.service = service.name;
    sighting.spec.address = "10.0.0.1";
    sighting.spec.port = 80;
    sighting.spec.metadata = {{std::string(kVersionKey), fmt::format("{}v{}", name, task.version)}};
    sighting.health = task.health;
    sighting.cause = {"swarm", "task"};
  }
  return sightings;
}

void Orchestrator::check_settled(const LogModel& log) const {
  std::set<std::string, std::less<>> there;
  for (const auto& service : services()) {
    for (const auto& sighting : sightings_of(service)) {
      there.insert(sighting.id.str());
      const auto living = log.living(sighting.id.view());
      if (!living || living->spec != sighting.spec || living->health != sighting.health) {
        world_.verdict.broken("what is observed is listed in the end", "{} {}", sighting.id.view(),
                              living ? "is listed as it was" : "isn't listed");
      }
    }
  }
  for (const auto& [id, living] : log.state()) {
    if (living->source != Source::swarm || there.contains(id)) continue;
    world_.verdict.broken("what is gone isn't listed in the end", "{}", id);
  }
}

}  // namespace rollcall::sim
