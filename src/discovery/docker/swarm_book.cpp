#include "discovery/docker/swarm_book.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace rollcall::docker {

void SwarmBook::put(Service service, std::vector<Task> tasks) {
  if (!matches(service.labels, filter_)) return remove(service.id);
  Entry entry;
  auto declaration = declaration_of(service, config_);
  const auto port = wanted_port(service);
  if (!declaration) {
    entry.warning = std::move(declaration.error());
  } else if (!port) {
    entry.warning = port.error();
  } else {
    entry.declaration = *std::move(declaration);
    entry.wanted_port = *port;
  }
  entry.tasks = std::move(tasks);
  entry.service = std::move(service);
  auto id = entry.service.id;
  services_.insert_or_assign(std::move(id), std::move(entry));
}

void SwarmBook::remove(const std::string& service_id) { services_.erase(service_id); }

std::vector<std::string> SwarmBook::put_nodes(const std::vector<Node>& nodes) {
  std::unordered_map<std::string, Node> now;
  std::set<std::string> changed;
  for (const auto& node : nodes) {
    const auto before = nodes_.find(node.id);
    if (before == nodes_.end() || before->second != node) changed.insert(node.id);
    now.emplace(node.id, node);
  }
  for (const auto& [id, node] : nodes_) {
    if (!now.contains(id)) changed.insert(id);
  }
  nodes_ = std::move(now);
  std::vector<std::string> affected;
  for (const auto& [id, entry] : services_) {
    if (std::ranges::any_of(entry.tasks, [&](const Task& task) { return changed.contains(task.node_id); })) {
      affected.push_back(id);
    }
  }
  return affected;
}

bool SwarmBook::put_health(const std::string& container_id, ContainerHealth health) {
  if (health == ContainerHealth::none) return health_.erase(container_id) > 0;
  return std::exchange(health_[container_id], health) != health;
}

void SwarmBook::prune_health() {
  std::unordered_set<std::string_view> containers;
  for (const auto& [id, entry] : services_) {
    for (const auto& task : entry.tasks) containers.insert(task.container_id);
  }
  std::erase_if(health_, [&](const auto& known) { return !containers.contains(known.first); });
}

TaskSurroundings SwarmBook::around(const Task& task) const {
  const auto node = nodes_.find(task.node_id);
  const auto health = health_.find(task.container_id);
  return {.node = node == nodes_.end() ? nullptr : &node->second,
          .health = health == health_.end() ? ContainerHealth::none : health->second};
}

std::vector<Sighting> SwarmBook::sightings_of(const std::string& service_id) const {
  const auto found = services_.find(service_id);
  if (found == services_.end() || !found->second.declaration) return {};
  const auto& entry = found->second;
  std::vector<Sighting> sightings;
  sightings.push_back(service_sighting(entry.service, *entry.declaration));
  for (const auto& task : entry.tasks) {
    if (!is_instance(task)) continue;
    sightings.push_back(task_sighting(task, entry.service, entry.wanted_port, around(task), config_));
  }
  return sightings;
}

bool SwarmBook::is_settled(const std::string& service_id) const {
  const auto found = services_.find(service_id);
  if (found == services_.end()) return true;
  const auto& [service, tasks, declaration, port, warning] = found->second;
  const auto running = static_cast<std::uint64_t>(
      std::ranges::count_if(tasks, [](const Task& task) { return is_instance(task) && task.state == "running"; }));
  if (service.updating || running != tasks.size()) return false;
  if (service.running_tasks && *service.running_tasks != running) return false;
  return running == service.desired_tasks.value_or(service.global ? running : service.replicas);
}

std::vector<std::string> SwarmBook::differing(const std::vector<Service>& listed) const {
  std::set<std::string> gone;
  for (const auto& [id, entry] : services_) gone.insert(id);
  std::vector<std::string> differing;
  for (const auto& service : listed) {
    const auto found = services_.find(service.id);
    if (found == services_.end()) {
      if (matches(service.labels, filter_)) differing.push_back(service.id);
      continue;
    }
    gone.erase(service.id);
    const auto& known = found->second.service;
    if (known.version != service.version || known.running_tasks != service.running_tasks ||
        known.desired_tasks != service.desired_tasks || known.updating != service.updating) {
      differing.push_back(service.id);
    }
  }
  differing.insert(differing.end(), gone.begin(), gone.end());
  return differing;
}

std::vector<std::string> SwarmBook::differing(const std::vector<Task>& listed) const {
  std::map<std::string_view, std::map<std::string_view, std::uint64_t>> by_service;
  for (const auto& task : listed) by_service[task.service_id].emplace(task.id, task.version);
  std::vector<std::string> differing;
  for (const auto& [id, entry] : services_) {
    std::map<std::string_view, std::uint64_t> known;
    for (const auto& task : entry.tasks) known.emplace(task.id, task.version);
    if (known != by_service[id]) differing.push_back(id);
  }
  return differing;
}

std::vector<std::string> SwarmBook::services() const {
  std::vector<std::string> ids;
  for (const auto& [id, entry] : services_) ids.push_back(id);
  return ids;
}

std::vector<LabelWarning> SwarmBook::warnings() const {
  std::vector<LabelWarning> warnings;
  for (const auto& [id, entry] : services_) {
    if (entry.warning && warnings.size() < config_.limits.warnings) warnings.push_back(*entry.warning);
  }
  return warnings;
}

}  // namespace rollcall::docker
