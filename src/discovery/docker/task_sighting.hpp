#pragma once
// One task of a Swarm, and its service, as the sightings that are reported of them. Pure functions.
#include <expected>
#include <functional>

#include "discovery/docker/config.hpp"
#include "discovery/docker/label_rules.hpp"
#include "discovery/docker/objects.hpp"
#include "discovery/provider.hpp"

namespace rollcall::docker {

/// What else bears on a task. A node that isn't known (any more) is null.
struct TaskSurroundings {
  const Node* node = nullptr;
  ContainerHealth health = ContainerHealth::none;  ///< of its container, where that is this engine's
};

/// Whether Swarm wants it to run, on a node that it has chosen.
[[nodiscard]] bool is_instance(const Task& task);

/// The record of the service as a whole.
[[nodiscard]] Sighting service_sighting(const Service& service, Declaration declaration);

/// `wanted_port`: of the service's label, 0 if unset.
[[nodiscard]] Sighting task_sighting(const Task& task, const Service& service, std::uint16_t wanted_port,
                                     const TaskSurroundings& around, const DockerConfig& config);

/// Ids of Swarm's begin with "swarm:", and no others do.
[[nodiscard]] bool is_swarms(const InstanceId& id) noexcept;
[[nodiscard]] InstanceId service_record_id(std::string_view service_id);
[[nodiscard]] InstanceId task_instance_id(std::string_view task_id);

}  // namespace rollcall::docker
