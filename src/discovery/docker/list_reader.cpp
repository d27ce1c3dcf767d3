#include <array>
#include <boost/json.hpp>
#include <optional>

#include "discovery/docker/json_fields.hpp"
#include "discovery/docker/parse.hpp"

namespace rollcall::docker {
namespace {

namespace json = boost::json;

constexpr std::size_t kElementBytes = 64 * 1024;  // of most elements; a larger one takes memory of its own

template <class T>
struct Element;

std::string without_prefix(std::string_view address) { return std::string(address.substr(0, address.find('/'))); }

/// Of a host with two stacks each is told of twice.
void add_port(std::vector<Port>& ports, Port port) {
  if (std::ranges::find(ports, port) == ports.end()) ports.push_back(std::move(port));
}

std::vector<Port> swarm_ports(const json::array& list) {
  std::vector<Port> ports;
  for (const auto& entry : list) {
    if (!entry.is_object()) continue;
    const auto& port = entry.get_object();
    add_port(ports, {.protocol = text_at(port, "Protocol"),
                     .target = port_at(port, "TargetPort"),
                     .published = port_at(port, "PublishedPort"),
                     .host_mode = text_at(port, "PublishMode") == "host"});
  }
  return ports;
}

void read_mode(Service& service, const json::object& mode) {
  service.global = mode.contains("Global") || mode.contains("GlobalJob");
  const auto replicas = number_at(object_at(mode, "Replicated"), "Replicas");
  const auto jobs = number_at(object_at(mode, "ReplicatedJob"), "MaxConcurrent");
  service.replicas =
      service.global ? 1 : static_cast<std::uint32_t>(std::min<std::uint64_t>(replicas + jobs, 1U << 31));
}

template <>
struct Element<Service> {
  static constexpr std::string_view kName = "list of services";
  static Service read(const json::object& from) {
    const auto& spec = object_at(from, "Spec");
    Service service{.id = text_at(from, "ID"),
                    .name = text_at(spec, "Name"),
                    .version = number_at(object_at(from, "Version"), "Index"),
                    .created_at = time_at(from, "CreatedAt"),
                    .updated_at = time_at(from, "UpdatedAt"),
                    .labels = labels_at(spec, "Labels"),
                    .ports = swarm_ports(array_at(object_at(from, "Endpoint"), "Ports")),
                    .running_tasks = std::nullopt,
                    .desired_tasks = std::nullopt};
    read_mode(service, object_at(spec, "Mode"));
    service.updating = text_at(object_at(from, "UpdateStatus"), "State") == "updating";
    if (from.contains("ServiceStatus")) {
      const auto& status = object_at(from, "ServiceStatus");
      service.running_tasks = number_at(status, "RunningTasks");
      service.desired_tasks = number_at(status, "DesiredTasks");
    }
    return service;
  }
  static bool is_whole(const Service& service) { return !service.id.empty() && !service.name.empty(); }
};

Attachment read_attachment(const json::object& from) {
  const auto& network = object_at(from, "Network");
  const auto& spec = object_at(network, "Spec");
  Attachment attachment{.network = text_at(spec, "Name"),
                        .driver = text_at(object_at(spec, "DriverConfiguration"), "Name"),
                        .ingress = flag_at(spec, "Ingress")};
  const auto& addresses = array_at(from, "Addresses");
  if (!addresses.empty() && addresses.front().is_string()) {
    attachment.address = without_prefix(addresses.front().get_string());
  }
  return attachment;
}

template <>
struct Element<Task> {
  static constexpr std::string_view kName = "list of tasks";
  static Task read(const json::object& from) {
    const auto& status = object_at(from, "Status");
    Task task{.id = text_at(from, "ID"),
              .service_id = text_at(from, "ServiceID"),
              .node_id = text_at(from, "NodeID"),
              .version = number_at(object_at(from, "Version"), "Index"),
              .slot = number_at(from, "Slot"),
              .state = text_at(status, "State"),
              .desired_state = text_at(from, "DesiredState"),
              .message = text_at(status, "Message"),
              .error = text_at(status, "Err"),
              .container_id = text_at(object_at(status, "ContainerStatus"), "ContainerID"),
              .ports = swarm_ports(array_at(object_at(status, "PortStatus"), "Ports"))};
    for (const auto& entry : array_at(from, "NetworksAttachments")) {
      if (entry.is_object()) task.networks.push_back(read_attachment(entry.get_object()));
    }
    return task;
  }
  static bool is_whole(const Task& task) { return !task.id.empty(); }
};

/// A manager that knows itself by every address says so in place of one.
std::string node_address(const json::object& from) {
  auto address = text_at(object_at(from, "Status"), "Addr");
  if (!address.empty() && address != "0.0.0.0") return address;
  const auto manager = text_at(object_at(from, "ManagerStatus"), "Addr");
  return manager.substr(0, manager.rfind(':'));
}

template <>
struct Element<Node> {
  static constexpr std::string_view kName = "list of nodes";
  static Node read(const json::object& from) {
    return {.id = text_at(from, "ID"),
            .hostname = text_at(object_at(from, "Description"), "Hostname"),
            .address = node_address(from),
            .state = text_at(object_at(from, "Status"), "State")};
  }
  static bool is_whole(const Node& node) { return !node.id.empty(); }
};

/// "Up 2 minutes (healthy)": the list has no other place for it.
ContainerHealth health_in(std::string_view status) {
  if (status.ends_with("(healthy)")) return ContainerHealth::healthy;
  if (status.ends_with("(unhealthy)")) return ContainerHealth::unhealthy;
  return status.ends_with("(health: starting)") ? ContainerHealth::starting : ContainerHealth::none;
}

/// Of a port that is published on every address there is one entry for IPv4 and one for IPv6.
Port read_container_port(const json::object& from) {
  auto ip = text_at(from, "IP");
  if (ip == "0.0.0.0" || ip == "::") ip.clear();
  return {.protocol = text_at(from, "Type"),
          .target = port_at(from, "PrivatePort"),
          .published = port_at(from, "PublicPort"),
          .host_mode = true,
          .host_ip = std::move(ip)};
}

template <>
struct Element<Container> {
  static constexpr std::string_view kName = "list of containers";
  static Container read(const json::object& from) {
    Container container{.id = text_at(from, "Id"),
                        .image = text_at(from, "Image"),
                        .state = text_at(from, "State"),
                        .health = health_in(text_at(from, "Status")),
                        .labels = labels_at(from, "Labels")};
    const auto& names = array_at(from, "Names");
    if (!names.empty() && names.front().is_string()) {
      const std::string_view name = names.front().get_string();
      container.name = name.substr(name.starts_with('/') ? 1 : 0);
    }
    for (const auto& entry : array_at(from, "Ports")) {
      if (entry.is_object()) add_port(container.ports, read_container_port(entry.get_object()));
    }
    for (const auto& [name, place] : object_at(object_at(from, "NetworkSettings"), "Networks")) {
      if (!place.is_object()) continue;
      auto address = text_at(place.get_object(), "IPAddress");
      if (address.empty()) address = text_at(place.get_object(), "GlobalIPv6Address");
      container.networks.push_back({.network = std::string(name), .address = std::move(address)});
    }
    return container;
  }
  static bool is_whole(const Container& container) { return !container.id.empty(); }
};

}  // namespace

template <class T>
struct ListReader<T>::Impl {
  explicit Impl(std::string_view body) : rest(body) {}

  void skip(std::string_view what) { rest.remove_prefix(std::min(rest.find_first_not_of(what), rest.size())); }

  /// Behind the bracket, the comma or at the end of the list.
  Result<bool> at_element() {
    skip(" \t\r\n");
    const char expected = begun ? ',' : '[';
    if (rest.starts_with(']') && begun) return false;
    if (!rest.starts_with(expected)) return not_an_answer(Element<T>::kName);
    rest.remove_prefix(1);
    skip(" \t\r\n");
    const bool is_empty = !begun && rest.starts_with(']');
    begun = true;
    return !is_empty;
  }

  Result<T> read_element() {
    json::monotonic_resource memory(buffer.data(), buffer.size());
    parser.reset(&memory);
    boost::system::error_code error;
    rest.remove_prefix(parser.write_some(rest, error));
    if (error) return not_an_answer(Element<T>::kName);
    const auto value = parser.release();
    if (!value.is_object()) return not_an_answer(Element<T>::kName);
    auto element = Element<T>::read(value.get_object());
    if (!Element<T>::is_whole(element)) return not_an_answer(Element<T>::kName);
    return element;
  }

  std::string_view rest;
  bool begun = false;
  std::array<unsigned char, kElementBytes> buffer;
  json::parser parser;
};

template <class T>
ListReader<T>::ListReader(std::string_view body) : impl_(std::make_unique<Impl>(body)) {}

template <class T>
ListReader<T>::~ListReader() = default;

template <class T>
Result<bool> ListReader<T>::read(std::vector<T>& list, std::size_t most) {
  for (std::size_t i = 0; i < most; ++i) {
    const auto more = impl_->at_element();
    if (!more || !*more) return more;
    auto element = impl_->read_element();
    if (!element) return std::unexpected(element.error());
    list.push_back(*std::move(element));
  }
  return true;
}

template class ListReader<Service>;
template class ListReader<Task>;
template class ListReader<Node>;
template class ListReader<Container>;

}  // namespace rollcall::docker
