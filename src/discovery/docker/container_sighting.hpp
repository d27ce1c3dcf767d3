#pragma once
// A plain container, one that isn't Swarm's, as the instances that it is reported as: by labels, or by the variables
// and labels that Registrator's users set (SERVICE_NAME, SERVICE_80_NAME, SERVICE_TAGS, SERVICE_ID, SERVICE_IGNORE).
// Pure.
#include <vector>

#include "discovery/docker/config.hpp"
#include "discovery/docker/objects.hpp"
#include "discovery/provider.hpp"

namespace rollcall::docker {

[[nodiscard]] bool is_swarms(const Container& container);

/// One for each port; none of a container that isn't meant. `engine_address`: by which ports that the engine publishes
/// on every address are reached; empty where that isn't known, and then the container's own address is taken.
[[nodiscard]] std::vector<Sighting> container_sightings(const Container& container, const ContainerDetails& details,
                                                        const std::string& engine_address, const DockerConfig& config);

}  // namespace rollcall::docker
