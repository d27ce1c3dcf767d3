#include "server/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/toml.hpp"
#include "store/postgres/postgres_store.hpp"

extern char** environ;

namespace rollcall {
namespace {

constexpr std::string_view kPrefix = "ROLLCALL_";

std::string environment_name(std::string_view key) {
  std::string name(kPrefix);
  for (const char letter : key) {
    name += letter == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  }
  return name;
}

/// As it was written: listen.http is --http, data_dir is --data-dir, and all else came by --set.
std::string flag_name(std::string_view key) {
  if (key.starts_with("listen.")) return fmt::format("--{}", key.substr(7));
  if (key == "tls.cert") return "--tls-cert";
  if (key == "tls.key") return "--tls-key";
  if (key == "tls.client_ca") return "--tls-client-ca";
  if (key == "data_dir") return "--data-dir";
  if (key == "store") return "--store";
  if (key == "log_level") return "--log-level";
  if (key == "cors.origins") return "--cors-origins";
  return key == "log_format" ? "--log-format" : fmt::format("--set {}", key);
}

bool is_secret(std::string_view key, std::string_view value) {
  if (key == "rabbitmq.url") return value.contains('@');
  if (key == "store") return is_postgres_connection(value) && has_postgres_password(std::string(value));
  return key.ends_with("password") || key == "access.tokens" || key == "webhook.secret";
}

/// Whether a value that isn't allowed may be shown. A connection that can't be read may hold a password somewhere.
bool is_showable(std::string_view key, std::string_view value) {
  return !is_secret(key, value) && key != "webhook.url" && !(key == "store" && is_postgres_connection(value));
}

/// Everyone on a machine sees the others' command lines.
bool is_command_line(std::string_view origin) { return origin.starts_with("--"); }

std::unexpected<Error> not_allowed(std::string_view origin, std::string_view value, std::string_view allowed,
                                   bool secret) {
  return fail(ErrorCode::invalid,
              secret ? fmt::format("has a value that isn't allowed; allowed is: {}", allowed)
                     : fmt::format("is \"{}\"; allowed is: {}", value, allowed),
              std::string(origin));
}

// ---- the environment ----

/// Seed 004's variables that mean a setting of ours as they stand.
using SeedVariable = std::pair<std::string_view, std::string_view>;
constexpr SeedVariable kSeedVariables[] = {
    {"LOG_LEVEL", "log_level"},
    {"METRICS_REFRESH_INTERVAL_SEC", "metrics.refresh_interval"},
    {"DOCKER_BASE_URL", "docker.url"},
    {"DOCKER_CERT_PATH", "docker.cert_path"},
    {"REFRESH_INTERVAL_SEC", "docker.refresh_interval"},
    {"AUTOSCALER_LABEL_ENABLED", "docker.label.enabled"},
    {"AUTOSCALER_LABEL_METRIC", "docker.label.metric"},
    {"AUTOSCALER_LABEL_CPU_THRESHOLD", "docker.label.cpu_threshold"},
    {"AUTOSCALER_LABEL_MEMORY_THRESHOLD", "docker.label.memory_threshold"},
    {"AUTOSCALER_LABEL_MIN", "docker.label.min"},
    {"AUTOSCALER_LABEL_MAX", "docker.label.max"},
    {"RABBITMQ_URL", "rabbitmq.url"},
    {"RABBITMQ_EXCHANGE", "rabbitmq.exchange"},
};

/// ROLLCALL_ variables that aren't settings: of the other subcommands, and of the tests and scripts around us.
constexpr std::string_view kOtherVariables[] = {"ROLLCALL_CONFIG", "ROLLCALL_SERVER", "ROLLCALL_CACERT",
                                                "ROLLCALL_TOKEN", "ROLLCALL_BIN"};

/// Letters to add, drop or replace (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row.back();
}

/// A variable that looks like ours and isn't would be a setting that silently does nothing.
Result<void> check_variables(const Environment& environment) {
  std::vector<std::string> known(std::begin(kOtherVariables), std::end(kOtherVariables));
  for (const auto& setting : settings_table()) known.push_back(environment_name(setting.key));
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(kPrefix) || std::ranges::find(known, name) != known.end()) continue;
    const auto nearest = std::ranges::min_element(
        known, {}, [&wanted = name](const std::string& other) { return distance(wanted, other); });
    return fail(ErrorCode::invalid,
                fmt::format("is unknown; the nearest is {}, and `rollcall settings` lists them all", *nearest), name);
  }
  return {};
}

void note_idle_variables(Settings& settings, const Environment& environment) {
  for (const auto& [name, value] : environment) {
    const bool known = std::ranges::find(kSeedVariables, name, &SeedVariable::first) != std::end(kSeedVariables);
    if (name.starts_with("AUTOSCALER_LABEL_") && !known) {
      settings.notes.push_back(fmt::format("{} has no effect: there is no such label", name));
    }
  }
}

/// Seed 004's variables, so that its deployments need no other.
Result<void> apply_seed_variables(Settings& settings, const Environment& environment) {
  auto host = settings.http.address().to_string();
  auto port = std::to_string(settings.http.port());
  std::string origin;
  if (const auto found = environment.find("HOST"); found != environment.end()) {
    host = found->second;
    origin = "HOST";
  }
  if (const auto found = environment.find("PORT"); found != environment.end()) {
    port = found->second;
    origin = origin.empty() ? "PORT" : "HOST, PORT";
  }
  if (!origin.empty()) {
    const bool v6 = host.contains(':');
    if (auto ok =
            set(settings, "listen.http", fmt::format("{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port), origin);
        !ok) {
      return ok;
    }
  }
  for (const auto& [name, key] : kSeedVariables) {
    const auto found = environment.find(std::string(name));
    if (found == environment.end() || found->second.empty()) continue;  // compose files leave open what they name
    if (auto ok = set(settings, key, found->second, name); !ok) return ok;
  }
  return {};
}

Result<void> apply_environment(Settings& settings, const Environment& environment) {
  if (auto ok = check_variables(environment); !ok) return ok;
  if (auto ok = apply_seed_variables(settings, environment); !ok) return ok;
  note_idle_variables(settings, environment);
  for (const auto& setting : settings_table()) {
    const auto name = environment_name(setting.key);
    const auto found = environment.find(name);
    if (found == environment.end()) continue;
    if (auto ok = set(settings, setting.key, found->second, name); !ok) return ok;
  }
  return {};
}

// ---- the file ----

/// A value as the environment would have it: lists joined by commas.
std::optional<std::string> text_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  const auto* list = node.as_array();
  if (list == nullptr) return std::nullopt;
  std::vector<std::string> parts;
  for (const auto& element : *list) {
    const auto part = text_of(element);
    if (!part || element.is_array()) return std::nullopt;
    parts.push_back(*part);
  }
  return fmt::format("{}", fmt::join(parts, ","));
}

Result<void> apply_table(Settings& settings, const toml::table& table, const std::string& file,
                         const std::string& prefix);

/// [[probe.ranges]]: each with the keys that probe.* has for the first.
Result<void> apply_ranges(Settings& settings, const toml::array& ranges, const std::string& file) {
  std::vector<ProbeRange> collected;
  for (const auto& element : ranges) {
    const auto* range = element.as_table();
    if (range == nullptr) return fail(ErrorCode::invalid, "is not a table", file + ": probe.ranges");
    Settings one;
    for (const auto& [key, node] : *range) {
      constexpr std::string_view kKeys[] = {"hosts", "web_ports", "dicom_ports", "user", "password"};
      const auto name = std::string(key.str());
      if (std::ranges::find(kKeys, name) == std::end(kKeys)) {
        return fail(ErrorCode::invalid, "is unknown; allowed are hosts, web_ports, dicom_ports, user, password",
                    file + ": probe.ranges." + name);
      }
      const auto value = text_of(node);
      const auto origin = file + ": probe.ranges." + name;
      if (!value) return fail(ErrorCode::invalid, "is not text, a number or a list", origin);
      if (auto ok = set(one, "probe." + name, *value, origin); !ok) return ok;
    }
    collected.push_back(std::move(one.probe.ranges.front()));
  }
  if (!collected.empty()) settings.probe.ranges = std::move(collected);
  return {};
}

Result<void> apply_node(Settings& settings, const toml::node& node, const std::string& file, const std::string& key) {
  if (key == "probe.ranges") {
    if (const auto* ranges = node.as_array()) return apply_ranges(settings, *ranges, file);
  }
  const auto* table = node.as_table();
  if (table != nullptr) return apply_table(settings, *table, file, key + ".");
  const auto value = text_of(node);
  const auto origin = file + ": " + key;
  if (!value) return fail(ErrorCode::invalid, "is not text, a number, true, false or a list", origin);
  return set(settings, key, *value, origin);
}

Result<void> apply_table(Settings& settings, const toml::table& table, const std::string& file,
                         const std::string& prefix) {
  for (const auto& [key, node] : table) {
    if (auto ok = apply_node(settings, node, file, prefix + std::string(key.str())); !ok) return ok;
  }
  return {};
}

/// `parse` gives the table, or throws.
template <class Parse>
Result<void> apply_parsed(Settings& settings, const std::string& file, Parse parse) {
  try {
    return apply_table(settings, parse(), file, "");
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::invalid, fmt::format("line {}: {}", error.source().begin.line, error.description()), file);
  }
}

Result<void> apply_file(Settings& settings, const std::string& path) {
  return apply_parsed(settings, path, [&path] { return toml::parse_file(path); });
}

Result<void> check_tls(const net::TlsFiles& files) {
  if (!files.cert.empty() && files.key.empty()) return fail(ErrorCode::invalid, "needs tls.key as well", "tls.cert");
  if (files.cert.empty() && !files.key.empty()) return fail(ErrorCode::invalid, "needs tls.cert as well", "tls.key");
  if (files.cert.empty() && !files.client_ca.empty()) {
    return fail(ErrorCode::invalid, "needs tls.cert and tls.key as well", "tls.client_ca");
  }
  return {};
}

Result<void> check_together(const Settings& settings) {
  if (auto ok = check_tls(settings.tls); !ok) return ok;
  const auto& model = settings.limits.model;
  if (model.ttl_min > model.ttl_default || model.ttl_default > model.ttl_max) {
    return fail(ErrorCode::invalid, "the default must lie between registry.ttl_min and registry.ttl_max",
                "registry.ttl_default");
  }
  const auto socket_ttl = settings.limits.socket.ttl;
  if (socket_ttl < model.ttl_min || socket_ttl > model.ttl_max) {
    return fail(ErrorCode::invalid, "must lie between registry.ttl_min and registry.ttl_max", "socket.ttl");
  }
  if (settings.docker.refresh_interval < std::chrono::seconds(1)) {
    return fail(ErrorCode::invalid, "must be at least 1s", "docker.refresh_interval");
  }
  if (settings.docker.limits.retry_shortest > settings.docker.limits.retry_longest) {
    return fail(ErrorCode::invalid, "must not be above docker.retry_longest", "docker.retry_shortest");
  }
  if (auto ok = check_publishing(settings); !ok) return ok;
  return validate(settings.probe);
}

}  // namespace

Result<void> set(Settings& settings, std::string_view key, std::string_view value, std::string_view origin) {
  const auto table = settings_table();
  const auto found = std::ranges::find(table, key, &Setting::key);
  if (found == table.end()) {
    return fail(ErrorCode::invalid, "is unknown; docs/configuration.md lists what there is", std::string(origin));
  }
  if (is_secret(key, value) && is_command_line(origin)) {
    return fail(ErrorCode::invalid, "is a secret, and not for the command line; use the environment or a file",
                std::string(origin));
  }
  if (found->set(settings, value)) return {};
  return not_allowed(origin, value, found->allowed, !is_showable(key, value));
}

Result<void> apply_toml(Settings& settings, std::string_view text, const std::string& file) {
  return apply_parsed(settings, file, [text] { return toml::parse(text); });
}

Environment system_environment() {
  Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

Result<Settings> load_settings(const CommandLine& line, const Environment& environment) {
  Settings settings;
  auto file = line.config_file;
  if (const auto found = environment.find("ROLLCALL_CONFIG"); !file && found != environment.end()) file = found->second;
  if (file) {
    if (auto ok = apply_file(settings, *file); !ok) return std::unexpected(ok.error());
  }
  if (auto ok = apply_environment(settings, environment); !ok) return std::unexpected(ok.error());
  for (const auto& [key, value] : line.values) {
    if (auto ok = set(settings, key, value, flag_name(key)); !ok) return std::unexpected(ok.error());
  }
  if (auto ok = check_together(settings); !ok) return std::unexpected(ok.error());
  return settings;
}

std::string describe_settings() {
  const Settings defaults;
  std::string text;
  for (const auto& setting : settings_table()) {
    fmt::format_to(std::back_inserter(text), "| `{}` | `{}` | {} | {} | {} |\n", setting.key,
                   environment_name(setting.key), setting.show(defaults), setting.help, setting.allowed);
  }
  return text;
}

}  // namespace rollcall
