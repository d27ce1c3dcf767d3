#include "discovery/docker/parse.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "discovery/docker/json_fields.hpp"

namespace rollcall::docker {
namespace {

namespace json = boost::json;

/// "80/tcp" of ExposedPorts.
std::optional<Port> parse_exposed(std::string_view text) {
  const auto slash = text.find('/');
  Port port{.protocol = std::string(slash == text.npos ? "tcp" : text.substr(slash + 1))};
  const auto digits = text.substr(0, slash);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port.target);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return port;
}

}  // namespace

Result<VersionInfo> parse_version(std::string_view body) {
  const auto answer = parse_object(body, "version");
  if (!answer) return std::unexpected(answer.error());
  VersionInfo version{.api = text_at(*answer, "ApiVersion"),
                      .min_api = text_at(*answer, "MinAPIVersion"),
                      .engine = text_at(*answer, "Version")};
  if (version.api.empty()) return not_an_answer("version");
  return version;
}

Result<EngineInfo> parse_info(std::string_view body) {
  const auto answer = parse_object(body, "description of itself");
  if (!answer) return std::unexpected(answer.error());
  const auto& swarm = object_at(*answer, "Swarm");
  return EngineInfo{.name = text_at(*answer, "Name"),
                    .node_id = text_at(swarm, "NodeID"),
                    .node_address = text_at(swarm, "NodeAddr"),
                    .swarm_state = text_at(swarm, "LocalNodeState"),
                    .manager = flag_at(swarm, "ControlAvailable")};
}

Result<EngineEvent> parse_event(std::string_view line) {
  const auto answer = parse_object(line, "event");
  if (!answer) return std::unexpected(answer.error());
  const auto& actor = object_at(*answer, "Actor");
  return EngineEvent{.type = text_at(*answer, "Type"),
                     .action = text_at(*answer, "Action"),
                     .id = text_at(actor, "ID"),
                     .attributes = labels_at(actor, "Attributes"),
                     .time_ns = static_cast<std::int64_t>(number_at(*answer, "timeNano"))};
}

Result<ContainerDetails> parse_container_details(std::string_view body) {
  const auto answer = parse_object(body, "container");
  if (!answer) return std::unexpected(answer.error());
  const auto& config = object_at(*answer, "Config");
  ContainerDetails details;
  for (const auto& entry : array_at(config, "Env")) {
    if (!entry.is_string()) continue;
    const std::string_view text = entry.get_string();
    const auto equals = std::min(text.find('='), text.size());
    details.environment.emplace_back(text.substr(0, equals), text.substr(std::min(equals + 1, text.size())));
  }
  std::ranges::sort(details.environment);
  for (const auto& exposed : object_at(config, "ExposedPorts")) {
    if (auto port = parse_exposed(exposed.key())) details.exposed.push_back(*std::move(port));
  }
  return details;
}

}  // namespace rollcall::docker
