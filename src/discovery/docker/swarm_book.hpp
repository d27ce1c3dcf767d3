#pragma once
// What is known of a Swarm: its services, their tasks, the nodes. Decides, and never acts.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "discovery/docker/task_sighting.hpp"

namespace rollcall::docker {

class SwarmBook {
 public:
  /// `config` outlives it.
  explicit SwarmBook(const DockerConfig& config) : config_(config), filter_(filter_of(config)) {}

  /// A service and all of its tasks that Swarm wants to run, as they are now. One that the filter leaves out isn't
  /// kept.
  void put(Service service, std::vector<Task> tasks);
  void remove(const std::string& service_id);
  /// The services with tasks on nodes that are new, changed or gone.
  [[nodiscard]] std::vector<std::string> put_nodes(const std::vector<Node>& nodes);
  /// Of containers of this engine. Whether it was another before.
  bool put_health(const std::string& container_id, ContainerHealth health);
  /// Drops what is known of containers that are no task's.
  void prune_health();

  /// What is to be reported of a service; nothing of one that isn't known, or is left out because of a label.
  [[nodiscard]] std::vector<Sighting> sightings_of(const std::string& service_id) const;
  /// Whether its tasks are as it wants them, and no update is on its way. One that isn't known is settled.
  [[nodiscard]] bool is_settled(const std::string& service_id) const;

  /// The services whose versions or counts aren't those of this list, which is complete.
  [[nodiscard]] std::vector<std::string> differing(const std::vector<Service>& listed) const;
  /// The services whose tasks aren't those of this list, which is complete.
  [[nodiscard]] std::vector<std::string> differing(const std::vector<Task>& listed) const;

  [[nodiscard]] std::vector<std::string> services() const;
  [[nodiscard]] std::vector<LabelWarning> warnings() const;
  [[nodiscard]] std::size_t node_count() const noexcept { return nodes_.size(); }
  [[nodiscard]] bool has_node(const std::string& id) const { return nodes_.contains(id); }
  /// Whether `holds(id)` of every node.
  template <class Holds>
  [[nodiscard]] bool of_all_nodes(Holds holds) const {
    return std::ranges::all_of(nodes_, [&](const auto& node) { return holds(node.first); });
  }
  [[nodiscard]] const std::vector<LabelCondition>& filter() const noexcept { return filter_; }

  /// Tasks that run: calls `visit(task, service)`.
  template <class Visit>
  void for_each_running(Visit visit) const {
    for (const auto& [id, entry] : services_) {
      for (const auto& task : entry.tasks) {
        if (task.state == "running" && is_instance(task)) visit(task, entry.service);
      }
    }
  }

 private:
  struct Entry {
    Service service;
    std::vector<Task> tasks;
    std::optional<Declaration> declaration;  // none: left out
    std::uint16_t wanted_port = 0;
    std::optional<LabelWarning> warning;
  };

  [[nodiscard]] TaskSurroundings around(const Task& task) const;

  const DockerConfig& config_;
  const std::vector<LabelCondition> filter_;
  std::map<std::string, Entry> services_;
  std::unordered_map<std::string, Node> nodes_;
  std::unordered_map<std::string, ContainerHealth> health_;  // by container
};

}  // namespace rollcall::docker
