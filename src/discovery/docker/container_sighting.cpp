#include "discovery/docker/container_sighting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "discovery/docker/facts.hpp"
#include "discovery/docker/label_rules.hpp"
#include "discovery/docker/task_sighting.hpp"

namespace rollcall::docker {
namespace {

constexpr std::string_view kPrefix = "SERVICE_";
constexpr std::string_view kPortLabel = "rollcall.port";

/// What a container's user says of it, in labels or in its environment; labels go first.
class Wishes {
 public:
  Wishes(const Container& container, const ContainerDetails& details) {
    for (const auto* source : {&container.labels, &details.environment}) {
      for (const auto& [key, value] : *source) {
        if (key.starts_with(kPrefix)) wishes_.try_emplace(key.substr(kPrefix.size()), value);
      }
    }
  }

  [[nodiscard]] bool any() const { return !wishes_.empty(); }
  [[nodiscard]] bool is_set(const std::string& name) const { return wishes_.contains(name); }

  /// SERVICE_80_NAME before SERVICE_NAME.
  [[nodiscard]] std::string of_port(std::uint16_t port, const std::string& name) const {
    const auto own = wishes_.find(fmt::format("{}_{}", port, name));
    if (own != wishes_.end()) return own->second;
    const auto common = wishes_.find(name);
    return common == wishes_.end() ? std::string() : common->second;
  }
  [[nodiscard]] bool has_own(std::uint16_t port, const std::string& name) const {
    return wishes_.contains(fmt::format("{}_{}", port, name));
  }

  /// All but those with a meaning of their own, as "region", "SERVICE_80_REGION" before "SERVICE_REGION".
  void add_attributes(std::uint16_t port, Facts& facts) const {
    const auto own = fmt::format("{}_", port);
    for (const auto& [name, value] : wishes_) {
      if (name.starts_with(own)) add_attribute(name.substr(own.size()), value, facts);
    }
    for (const auto& [name, value] : wishes_) {
      if (!name.empty() && (name[0] < '0' || name[0] > '9')) add_attribute(name, value, facts);
    }
  }

 private:
  static void add_attribute(std::string name, const std::string& value, Facts& facts) {
    static const std::set<std::string, std::less<>> kMeaning{"NAME", "TAGS", "ID", "IGNORE"};
    if (kMeaning.contains(name)) return;
    std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; });
    facts.add(std::move(name), value);
  }

  std::map<std::string, std::string> wishes_;
};

/// "a,b\,c" is a and "b,c".
std::vector<std::string> split_tags(std::string_view text, const ModelLimits& limits) {
  std::vector<std::string> tags;
  std::string tag;
  const auto add = [&] {
    const bool is_new = std::ranges::find(tags, tag) == tags.end();
    if (!tag.empty() && tag.size() <= limits.tag_bytes && is_new && tags.size() < limits.tags) tags.push_back(tag);
    tag.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == ',') {
      tag += text[++i];
    } else if (text[i] == ',') {
      add();
    } else {
      tag += text[i];
    }
  }
  add();
  return tags;
}

/// "registry:5000/team/shop:1.2" is "shop".
std::string image_base(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const auto slash = image.rfind('/');
  auto base = slash == image.npos ? image : image.substr(slash + 1);
  return std::string(base.substr(0, base.find(':')));
}

const Attachment* own_address(const Container& container, const DockerConfig& config) {
  const auto with_address = [&](auto is_meant) -> const Attachment* {
    for (const auto& network : container.networks) {
      if (!network.address.empty() && is_meant(network)) return &network;
    }
    return nullptr;
  };
  for (const auto& name : config.networks) {
    if (const auto* found = with_address([&](const Attachment& a) { return a.network == name; })) return found;
  }
  return config.networks.empty() ? with_address([](const Attachment&) { return true; }) : nullptr;
}

struct Place {
  std::string address;
  std::uint16_t port = 0;
};

/// As of a task: a network of the settings, then what is published, then any network.
Place place_of(const Container& container, const Port& port, const std::string& engine_address,
               const DockerConfig& config) {
  const auto* own = own_address(container, config);
  const Place inside = own == nullptr ? Place{} : Place{own->address, port.target};
  if (own != nullptr && !config.networks.empty()) return inside;
  if (port.published != 0 && !port.host_ip.empty()) return {port.host_ip, port.published};
  if (port.published != 0 && !engine_address.empty()) return {engine_address, port.published};
  const bool on_hosts = std::ranges::any_of(container.networks, [](const auto& a) { return a.network == "host"; });
  return on_hosts ? Place{engine_address.empty() ? "127.0.0.1" : engine_address, port.target} : inside;
}

/// The one that a label names, else those that are published, else those that its image exposes, else one that isn't
/// known.
std::vector<Port> ports_of(const Container& container, const ContainerDetails& details) {
  if (const auto* label = find_label(container.labels, kPortLabel)) {
    std::uint16_t wanted = 0;
    std::from_chars(label->data(), label->data() + label->size(), wanted);
    const auto known = std::ranges::find(container.ports, wanted, &Port::target);
    return {known != container.ports.end() ? *known : Port{.protocol = "tcp", .target = wanted}};
  }
  std::vector<Port> published;
  for (const auto& port : container.ports) {
    const auto is_same = [&](const Port& other) {
      return other.target == port.target && other.protocol == port.protocol;
    };
    if (port.published != 0 && std::ranges::none_of(published, is_same)) published.push_back(port);
  }
  if (!published.empty()) return published;
  auto exposed = container.ports.empty() ? details.exposed : container.ports;
  if (exposed.empty()) exposed.push_back({.protocol = "tcp"});
  return exposed;
}

bool is_meant(const Container& container, const Wishes& wishes, const DockerConfig& config) {
  return matches(container.labels, filter_of(config)) || wishes.any();
}

std::pair<Status, std::string> judge(const Container& container) {
  if (container.state != "running") return {Status::critical, fmt::format("container is {}", container.state)};
  if (container.health == ContainerHealth::unhealthy) return {Status::critical, "container is unhealthy"};
  if (container.health == ContainerHealth::starting) return {Status::warning, "its check hasn't passed yet"};
  return {Status::passing, "container is running"};
}

InstanceId id_of(const Container& container, const Port& port, bool is_one_of_several, const Wishes& wishes) {
  const auto suffix = port.protocol == "udp" ? ":udp" : "";
  const auto wanted = wishes.of_port(port.target, "ID");
  if (wanted.empty() || is_swarms(InstanceId(wanted))) {
    return InstanceId(fmt::format("docker:{}:{}{}", container.id, port.target, suffix));
  }
  if (!is_one_of_several || wishes.has_own(port.target, "ID")) return InstanceId(wanted);
  return InstanceId(fmt::format("{}:{}{}", wanted, port.target, suffix));
}

std::string name_of(const Container& container, const Port& port, bool is_one_of_several, const Wishes& wishes) {
  auto name = wishes.of_port(port.target, "NAME");
  const bool by_image = name.empty();
  if (by_image) name = image_base(container.image);
  const bool tell_apart = is_one_of_several && !wishes.has_own(port.target, "NAME");
  return tell_apart ? fmt::format("{}-{}", name, port.target) : name;
}

Sighting sighting_of(const Container& container, const Port& port, bool is_one_of_several, const Wishes& wishes,
                     const std::string& engine_address, const DockerConfig& config) {
  auto place = place_of(container, port, engine_address, config);
  auto [status, evidence] = judge(container);
  Facts facts(config.model);
  facts.add("container", container.id);
  facts.add("name", container.name);
  facts.add("image", container.image);
  facts.add("state", container.state);
  facts.add("networks", describe(container.networks));
  facts.add("ports", describe(container.ports));
  wishes.add_attributes(port.target, facts);
  InstanceSpec spec;
  spec.service = ServiceName(bounded(name_of(container, port, is_one_of_several, wishes), config.model.name_bytes));
  spec.address = std::move(place.address);
  spec.port = place.port;
  spec.tags = split_tags(wishes.of_port(port.target, "TAGS"), config.model);
  spec.metadata = std::move(facts).take();
  return {.id = id_of(container, port, is_one_of_several, wishes),
          .spec = std::move(spec),
          .health = status,
          .cause = {"docker", std::move(evidence)}};
}

}  // namespace

bool is_swarms(const Container& container) { return find_label(container.labels, kTaskLabel) != nullptr; }

std::vector<Sighting> container_sightings(const Container& container, const ContainerDetails& details,
                                          const std::string& engine_address, const DockerConfig& config) {
  const Wishes wishes(container, details);
  if (is_swarms(container) || wishes.is_set("IGNORE") || !is_meant(container, wishes, config)) return {};
  auto ports = ports_of(container, details);
  std::erase_if(ports, [&](const Port& port) { return wishes.has_own(port.target, "IGNORE"); });
  std::vector<Sighting> sightings;
  for (const auto& port : ports) {
    sightings.push_back(sighting_of(container, port, ports.size() > 1, wishes, engine_address, config));
  }
  return sightings;
}

}  // namespace rollcall::docker
