#include <algorithm>

#include "server/setting_kinds.hpp"

namespace rollcall {
namespace {

constexpr std::string_view kLabelForm = "a label's name";

bool set_url(Settings& settings, std::string_view text) {
  settings.docker_url = text;
  return text == "auto" || text == "off" || parse_engine_url(text, "docker.url").has_value();
}

bool set_filter(Settings& settings, std::string_view text) {
  std::vector<LabelCondition> conditions;
  for (const auto& part : split_list(text)) {
    auto condition = parse_label_condition(part, "docker.filter");
    if (!condition) return false;
    conditions.push_back(*std::move(condition));
  }
  settings.docker.filter = std::move(conditions);
  return true;
}

std::string show_filter(const Settings& settings) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : filter_of(settings.docker)) {
    parts.push_back(value ? fmt::format("{}={}", key, *value) : key);
  }
  return fmt::format("{}", fmt::join(parts, ","));
}

Setting label(std::string_view key, std::string_view help, std::string DockerLabelNames::* name) {
  return {key, kLabelForm, help,
          [name](Settings& s, std::string_view text) { return s.docker.labels.*name = text, !text.empty(); },
          [name](const Settings& s) { return s.docker.labels.*name; }};
}

std::vector<Setting> limit_rows() {
  return {
      duration("docker.connect_timeout", "Of one connection to the engine",
               [](Settings& s) -> auto& { return s.docker.limits.connect_timeout; }),
      duration("docker.answer_timeout", "Of one whole answer",
               [](Settings& s) -> auto& { return s.docker.limits.answer_timeout; }),
      bytes("docker.answer_bytes", "Of one answer; 10,000 tasks take some 30 MB",
            [](Settings& s) -> auto& { return s.docker.limits.answer_bytes; }),
      bytes("docker.event_bytes", "Of one event; a longer one is dropped",
            [](Settings& s) -> auto& { return s.docker.limits.event_bytes; }),
      duration("docker.retry_shortest", "Until an engine that isn't there is tried again; doubled each time",
               [](Settings& s) -> auto& { return s.docker.limits.retry_shortest; }),
      duration("docker.retry_longest", "Up to this",
               [](Settings& s) -> auto& { return s.docker.limits.retry_longest; }),
      duration("docker.agent_silence", "From then on a node's tasks are asked for again, whatever its agent told",
               [](Settings& s) -> auto& { return s.docker.limits.agent_silence; }),
      duration("docker.agent_timeout", "Of figures that a request asks other nodes' agents for",
               [](Settings& s) -> auto& { return s.docker.limits.agent_timeout; }),
      count("docker.services_per_question", "That are asked for by their ids at one time",
            [](Settings& s) -> auto& { return s.docker.limits.services_per_question; }),
      count("docker.warnings", "About labels, that are kept to be asked for",
            [](Settings& s) -> auto& { return s.docker.limits.warnings; }),
  };
}

}  // namespace

std::vector<Setting> docker_rows() {
  std::vector<Setting> rows{
      {"docker.url", "auto, off, unix:///PATH, tcp://HOST:PORT, http://HOST:PORT or https://HOST:PORT",
       "Whose services, tasks and containers are listed; auto: unix:///var/run/docker.sock if it is there", set_url,
       [](const Settings& s) { return s.docker_url; }},
      {"docker.cert_path", "a folder with ca.pem, cert.pem and key.pem", "For an engine behind TLS; makes tcp:// TLS",
       [](Settings& s, std::string_view text) { return s.docker.cert_path = text, true; },
       [](const Settings& s) { return s.docker.cert_path; }},
      {"docker.filter", "KEY or KEY=VALUE, separated by commas",
       "Labels that a service needs to be listed, all of them; empty: every service is", set_filter, show_filter},
      {"docker.networks", "names, separated by commas",
       "Networks that those who ask share with the tasks, the best first; unset: what a node publishes, then any",
       [](Settings& s, std::string_view text) { return s.docker.networks = split_list(text), true; },
       [](const Settings& s) { return fmt::format("{}", fmt::join(s.docker.networks, ",")); }},
      {"docker.host_address", "a name or address",
       "By which ports are reached that containers outside of the Swarm publish; unset: the host of docker.url, or the "
       "node's in its Swarm, or none: then the container's own address is listed",
       [](Settings& s, std::string_view text) { return s.docker.host_address = text, true; },
       [](const Settings& s) { return s.docker.host_address; }},
      duration("docker.refresh_interval", "Until everything is compared again, whatever the engine tells of",
               [](Settings& s) -> auto& { return s.docker.refresh_interval; }),
      toggle("docker.containers", "List containers outside of the Swarm too, by the filter or their SERVICE_ variables",
             [](Settings& s) -> auto& { return s.docker.containers; }),
      label("docker.label.enabled", "Says that a service may be scaled", &DockerLabelNames::enabled),
      label("docker.label.metric", "By which metric: cpu or memory", &DockerLabelNames::metric),
      label("docker.label.cpu_threshold", "Above which share of a CPU, per cent", &DockerLabelNames::cpu_threshold),
      label("docker.label.memory_threshold", "Above which share of its memory, per cent",
            &DockerLabelNames::memory_threshold),
      label("docker.label.min", "Not below so many replicas", &DockerLabelNames::min),
      label("docker.label.max", "Not above so many replicas", &DockerLabelNames::max),
  };
  auto limits = limit_rows();
  std::ranges::move(limits, std::back_inserter(rows));
  return rows;
}

}  // namespace rollcall
