#include "discovery/docker/task_sighting.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "discovery/docker/facts.hpp"

namespace rollcall::docker {
namespace {

struct Place {
  std::string address;
  std::uint16_t port = 0;
};

/// The port that a service is reached at where its container can be: as asked for, or the first that it publishes.
std::uint16_t container_port(const Service& service, const Task& task, std::uint16_t wanted) {
  if (wanted != 0) return wanted;
  if (!service.ports.empty()) return service.ports.front().target;
  return task.ports.empty() ? std::uint16_t{0} : task.ports.front().target;
}

const Attachment* attachment_in(const Task& task, const std::string& network) {
  const auto found = std::ranges::find_if(task.networks, [&](const Attachment& attachment) {
    return attachment.network == network && !attachment.address.empty();
  });
  return found == task.networks.end() ? nullptr : &*found;
}

const Attachment* first_of(const Task& task, const std::vector<std::string>& networks) {
  for (const auto& network : networks) {
    if (const auto* found = attachment_in(task, network)) return found;
  }
  return nullptr;
}

/// Any that isn't the routing mesh, which leads to every task of the service and not to this one.
const Attachment* any_network(const Task& task) {
  const auto found = std::ranges::find_if(
      task.networks, [](const Attachment& attachment) { return !attachment.address.empty() && !attachment.ingress; });
  return found == task.networks.end() ? nullptr : &*found;
}

const Port* port_on_node(const Task& task, std::uint16_t wanted) {
  const auto found = std::ranges::find_if(task.ports, [wanted](const Port& port) {
    return port.host_mode && port.published != 0 && (wanted == 0 || port.target == wanted);
  });
  return found == task.ports.end() ? nullptr : &*found;
}

bool is_on_hosts_network(const Task& task) {
  return std::ranges::any_of(task.networks, [](const Attachment& attachment) { return attachment.driver == "host"; });
}

/// A network that is named in the settings is known to be shared with who asks. Otherwise what the node publishes goes
/// first: it is reached from outside as well.
Place place_of(const Task& task, const Service& service, std::uint16_t wanted, const TaskSurroundings& around,
               const DockerConfig& config) {
  const std::string node_address = around.node == nullptr ? std::string() : around.node->address;
  const auto port = container_port(service, task, wanted);
  if (const auto* shared = first_of(task, config.networks)) return {shared->address, port};
  if (const auto* published = port_on_node(task, wanted); published != nullptr && !node_address.empty()) {
    return {node_address, published->published};
  }
  if (is_on_hosts_network(task)) return {node_address, port};
  const auto* any = config.networks.empty() ? any_network(task) : nullptr;
  return any == nullptr ? Place{} : Place{any->address, port};
}

struct Judgement {
  Status status = Status::passing;
  std::string evidence;
};

Judgement judge(const Task& task, const TaskSurroundings& around) {
  if (task.state != "running") {
    const auto& detail = task.error.empty() ? task.message : task.error;
    const bool says_more = !detail.empty() && detail != task.state;
    return {Status::critical,
            fmt::format("task is {}{}{}", task.state, says_more ? ": " : "", says_more ? detail : "")};
  }
  if (around.node != nullptr && around.node->state == "down") {
    return {Status::critical, fmt::format("its node {} is down", around.node->hostname)};
  }
  if (around.health == ContainerHealth::unhealthy) return {Status::critical, "its container is unhealthy"};
  if (around.health == ContainerHealth::starting) return {Status::warning, "its container's check hasn't passed yet"};
  return {Status::passing, "task is running"};
}

Metadata metadata_of(const Task& task, const Service& service, const TaskSurroundings& around,
                     const ModelLimits& limits) {
  Facts facts(limits);
  facts.add("task", task.id);
  facts.add("state", task.state);
  facts.add("node_id", task.node_id);
  if (around.node != nullptr) facts.add("node", around.node->hostname);
  if (task.slot != 0) facts.add("slot", std::to_string(task.slot));
  facts.add("container", task.container_id);
  facts.add("networks", describe(task.networks));
  facts.add("ports", describe(task.ports.empty() ? service.ports : task.ports));
  return std::move(facts).take();
}

}  // namespace

bool is_instance(const Task& task) { return task.desired_state == "running" && !task.node_id.empty(); }

bool is_swarms(const InstanceId& id) noexcept { return id.view().starts_with("swarm:"); }

InstanceId service_record_id(std::string_view service_id) {
  return InstanceId(fmt::format("swarm:service:{}", service_id));
}
InstanceId task_instance_id(std::string_view task_id) { return InstanceId(fmt::format("swarm:{}", task_id)); }

Sighting service_sighting(const Service& service, Declaration declaration) {
  InstanceSpec spec;
  spec.service = ServiceName(service.name);
  spec.declares = std::move(declaration);
  return {.id = service_record_id(service.id),
          .spec = std::move(spec),
          .health = Status::passing,
          .cause = {"swarm", fmt::format("version {} of the service", service.version)}};
}

Sighting task_sighting(const Task& task, const Service& service, std::uint16_t wanted_port,
                       const TaskSurroundings& around, const DockerConfig& config) {
  auto place = place_of(task, service, wanted_port, around, config);
  auto judgement = judge(task, around);
  InstanceSpec spec;
  spec.service = ServiceName(service.name);
  spec.address = std::move(place.address);
  spec.port = place.port;
  spec.metadata = metadata_of(task, service, around, config.model);
  return {.id = task_instance_id(task.id),
          .spec = std::move(spec),
          .health = judgement.status,
          .cause = {"swarm", bounded(std::move(judgement.evidence), config.model.reason_bytes)}};
}

}  // namespace rollcall::docker
