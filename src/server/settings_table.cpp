#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "server/setting_kinds.hpp"
#include "store/postgres/postgres_store.hpp"

namespace rollcall {
namespace {

constexpr std::string_view kPortsForm = "ports and ranges, as 8042-8100,9000";

bool set_http(Settings& settings, std::string_view text) {
  const auto endpoint = net::parse_endpoint(text);
  if (endpoint) settings.http = *endpoint;
  return endpoint.has_value();
}

std::string show_http(const Settings& settings) { return net::to_text(settings.http); }

bool set_socket(Settings& settings, std::string_view text) {
  if (text.empty() || text == "off") {
    settings.socket.reset();
    return true;
  }
  const auto endpoint = net::parse_endpoint(text);
  if (endpoint) settings.socket = *endpoint;
  return endpoint.has_value();
}

std::string show_socket(const Settings& settings) { return settings.socket ? net::to_text(*settings.socket) : "off"; }

bool set_store(Settings& settings, std::string_view text) {
  using enum Settings::StoreKind;
  settings.postgres_connection.clear();
  if (text == "sqlite" || text == "memory") {
    settings.store = text == "sqlite" ? sqlite : memory;
    return true;
  }
  settings.store = postgres;
  settings.postgres_connection = text;
  return is_postgres_connection(text) && check_postgres_connection(settings.postgres_connection).has_value();
}

/// Without the connection, which may hold a password.
std::string show_store(const Settings& settings) { return std::string(name_of(settings.store)); }

bool set_log_level(Settings& settings, std::string_view text) {
  constexpr std::pair<std::string_view, log::Level> kLevels[] = {
      {"DEBUG", log::Level::debug},  {"INFO", log::Level::info},   {"WARNING", log::Level::warning},
      {"WARN", log::Level::warning}, {"ERROR", log::Level::error}, {"CRITICAL", log::Level::error}};
  std::string upper(text);
  for (auto& letter : upper) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  for (const auto& [name, level] : kLevels) {
    if (upper == name) {
      settings.log_level = level;
      return true;
    }
  }
  return false;
}

std::string show_log_level(const Settings& settings) {
  constexpr std::string_view kNames[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
  return std::string(kNames[std::to_underlying(settings.log_level)]);
}

bool set_networks(Settings& settings, std::string_view text) {
  std::vector<Network> networks;
  for (const auto& part : split_list(text)) {
    const auto network = parse_network(part, "networks");
    if (!network) return false;
    networks.push_back(*network);
  }
  settings.check_networks = std::move(networks);
  return true;
}

std::string show_networks(const Settings& settings) {
  std::vector<std::string> parts;
  for (const auto& network : settings.check_networks) {
    parts.push_back(fmt::format("{}/{}", network.base.to_string(), network.prefix_bits));
  }
  return fmt::format("{}", fmt::join(parts, ","));
}

template <class Member>
Setting ports(std::string_view key, std::string_view help, Member member) {
  return {key, kPortsForm, help,
          [member](Settings& settings, std::string_view text) {
            auto parsed = parse_ports(text, "ports");
            if (!parsed) return false;
            member(settings) = std::move(*parsed);
            return true;
          },
          [](const Settings&) { return std::string(); }};
}

ProbeCredentials& credentials(Settings& settings) {
  auto& range = settings.probe.ranges.front();
  if (!range.credentials) range.credentials.emplace();
  return *range.credentials;
}

std::vector<Setting> daemon_rows() {
  return {
      {"listen.http", "ADDRESS:PORT with a numeric address, as 127.0.0.1:5001 or [::1]:5001; port 0 picks one",
       "Where HTTP is served", set_http, show_http},
      {"listen.socket", "ADDRESS:PORT as above, or off", "Where the socket protocol is served", set_socket,
       show_socket},
      {"data_dir", "a directory", "Where the registry is kept",
       [](Settings& s, std::string_view text) { return !text.empty() && (s.data_dir = text, true); },
       [](const Settings& s) { return s.data_dir; }},
      {"store",
       "sqlite, memory, or where PostgreSQL is: postgres://USER@HOST/DATABASE, or host=... dbname=... as libpq takes "
       "it",
       "What keeps the registry; memory forgets everything when the daemon ends", set_store, show_store},
      count("io_threads", "Threads that serve connections; unset: one a core",
            [](Settings& s) -> auto& { return s.io_threads; }),
      {"log_level", "DEBUG, INFO, WARNING or ERROR", "What is logged", set_log_level, show_log_level},
      {"log_format", "text or json", "A line of text or a JSON object a line",
       [](Settings& s, std::string_view text) {
         s.log_format = text == "json" ? log::Format::json : log::Format::text;
         return text == "text" || text == "json";
       },
       [](const Settings& s) { return std::string(s.log_format == log::Format::json ? "json" : "text"); }},
  };
}

std::vector<Setting> http_rows() {
  return {
      {"http.allowed_hosts", "host names, separated by commas; * allows every one",
       "Names beside IP addresses and localhost that requests may be addressed to",
       [](Settings& s, std::string_view text) { return s.allowed_hosts = split_list(text), true; },
       [](const Settings& s) { return fmt::format("{}", fmt::join(s.allowed_hosts, ",")); }},
      bytes("http.header_bytes", "Of one request", [](Settings& s) -> auto& { return s.limits.http.header_bytes; }),
      bytes("http.body_bytes", "Of one request", [](Settings& s) -> auto& { return s.limits.http.body_bytes; }),
      count("http.connections", "At one time", [](Settings& s) -> auto& { return s.limits.http.connections; }),
      duration("http.request_timeout", "From a request's first byte to its last",
               [](Settings& s) -> auto& { return s.limits.http.request_timeout; }),
      duration("http.idle_timeout", "Between requests, and for a reader that takes nothing",
               [](Settings& s) -> auto& { return s.limits.http.idle_timeout; }),
      duration("http.linger_timeout", "For a peer to see a last answer and close",
               [](Settings& s) -> auto& { return s.limits.http.linger_timeout; }),
      count("http.pipelined_requests", "Answered in one write",
            [](Settings& s) -> auto& { return s.limits.http.pipelined_requests; }),
      bytes("http.pipelined_bytes", "Answered in one write",
            [](Settings& s) -> auto& { return s.limits.http.pipelined_bytes; }),
      count("http.h2_streams", "Requests in hand at one time on one HTTP/2 connection",
            [](Settings& s) -> auto& { return s.limits.http.h2_streams; }),
      bytes("http.h2_window_bytes", "What an HTTP/2 client may send ahead",
            [](Settings& s) -> auto& { return s.limits.http.h2_window_bytes; }),
      bytes("http.h2_bodies_bytes", "Of the requests in hand on one HTTP/2 connection",
            [](Settings& s) -> auto& { return s.limits.http.h2_bodies_bytes; }),
      bytes("http.h2_output_bytes", "Made ready for one HTTP/2 connection before it is written",
            [](Settings& s) -> auto& { return s.limits.http.h2_output_bytes; }),
      count("http.h2_resets_per_minute", "Requests that an HTTP/2 client may give up; beyond it, it is sent away",
            [](Settings& s) -> auto& { return s.limits.http.h2_resets_per_minute; }),
      bytes_or_none("http.gzip_min_bytes", "Texts of this size or more are compressed for clients that ask for it",
                    [](Settings& s) -> auto& { return s.limits.http.gzip_min_bytes; }),
      count("http.gzip_at_once", "Texts in hand of one I/O thread; beyond it, they are sent as they are",
            [](Settings& s) -> auto& { return s.limits.http.gzip_at_once; }),
      count("http.heartbeats_per_call", "In one POST /heartbeats",
            [](Settings& s) -> auto& { return s.limits.http.heartbeats_per_call; }),
      count("http.history_page", "Events in one answer",
            [](Settings& s) -> auto& { return s.limits.http.history_page; }),
      duration("watch.wait_default", "How long a question with index waits that doesn't say",
               [](Settings& s) -> auto& { return s.limits.watch.wait_default; }),
      duration("watch.wait_max", "How long one may wait", [](Settings& s) -> auto& { return s.limits.watch.wait_max; }),
      duration("watch.keepalive", "Of silence, until a stream of events says that it is still there",
               [](Settings& s) -> auto& { return s.limits.watch.keepalive; }),
      count("watch.backlog", "Events; a reader further behind gets each instance's newest alone",
            [](Settings& s) -> auto& { return s.limits.watch.backlog; }),
  };
}

template <class Member>
Setting file(std::string_view key, std::string_view allowed, std::string_view help, Member member) {
  return {key, allowed, help,
          [member](Settings& settings, std::string_view text) {
            member(settings) = text;
            return !text.empty();
          },
          [member](const Settings& settings) { return member(const_cast<Settings&>(settings)); }};
}

std::vector<Setting> tls_rows() {
  return {
      file("tls.cert", "a PEM file: the certificate, then those that lead to its root",
           "Makes HTTP HTTPS; SIGHUP reads this and the next two again",
           [](Settings& s) -> auto& { return s.tls.cert; }),
      file("tls.key", "a PEM file, without a passphrase", "Of the certificate",
           [](Settings& s) -> auto& { return s.tls.key; }),
      file("tls.client_ca", "a PEM file of certificates", "Who vouches for clients; unset: clients need no certificate",
           [](Settings& s) -> auto& { return s.tls.client_ca; }),
  };
}

/// As browsers send it: nothing behind the port.
bool is_origin(std::string_view text) {
  const auto host = text.find("://");
  if (!text.starts_with("http://") && !text.starts_with("https://")) return false;
  return host + 3 < text.size() && text.find_first_of("/?#@* ", host + 3) == text.npos;
}

bool set_origins(Settings& settings, std::string_view text) {
  auto origins = split_list(text);
  const auto is_fine = [](const std::string& one) { return one == "*" || is_origin(one); };
  if (!std::ranges::all_of(origins, is_fine)) return false;
  settings.cors_origins = std::move(origins);
  return true;
}

bool set_tokens(std::vector<http::Token>& tokens, std::string_view text) {
  auto parsed = http::parse_tokens(text);
  if (!parsed || parsed->empty()) return false;
  tokens = *std::move(parsed);
  return true;
}

/// False also where others may read it.
bool read_token_file(Settings& settings, std::string_view path) {
  const std::filesystem::path file(path);
  std::error_code error;
  const auto others = std::filesystem::status(file, error).permissions() & std::filesystem::perms::others_all;
  if (error || others != std::filesystem::perms::none) return false;
  std::ifstream in(file);
  if (!in) return false;
  return set_tokens(settings.file_tokens, std::string{std::istreambuf_iterator<char>(in), {}});
}

std::vector<Setting> access_rows() {
  return {
      {"cors.origins", "origins as https://desk.example:8443, separated by commas; * allows every one",
       "Whose web pages may ask, beside the daemon's own; unset: nobody's", set_origins,
       [](const Settings& s) { return fmt::format("{}", fmt::join(s.cors_origins, ",")); }},
      {"access.tokens",
       "ROLE:SECRET, divided by commas; roles are read, write and admin, a secret has 16 to 255 letters, "
       "digits or any of -._~+/=",
       "Tokens that requests are asked for; not on the command line; unset: everyone may do everything",
       [](Settings& s, std::string_view text) {
         s.tokens.clear();  // empty as unset: a compose file can't leave a variable out
         return text.empty() || set_tokens(s.tokens, text);
       },
       [](const Settings&) { return std::string(); }},
      {"access.tokens_file", "a file that others can't read, with tokens as above, a line each; # begins a comment",
       "Further tokens", read_token_file, [](const Settings&) { return std::string(); }},
  };
}

std::vector<Setting> registry_rows() {
  return {
      duration("registry.ttl_default", "Of an instance that asks for none",
               [](Settings& s) -> auto& { return s.limits.model.ttl_default; }),
      duration("registry.ttl_min", "The shortest that may be asked for",
               [](Settings& s) -> auto& { return s.limits.model.ttl_min; }),
      duration("registry.ttl_max", "The longest that may be asked for",
               [](Settings& s) -> auto& { return s.limits.model.ttl_max; }),
      duration("registry.tombstone_life", "How long delayed requests of an ended session are refused",
               [](Settings& s) -> auto& { return s.limits.registry.tombstone_life; }),
      count("registry.queued_commands", "Writes that may wait; beyond it they get 503",
            [](Settings& s) -> auto& { return s.limits.registry.queued_commands; }),
      count("registry.changes_per_commit", "Writes that share one commit",
            [](Settings& s) -> auto& { return s.limits.registry.changes_per_commit; }),
      count("registry.expiries_per_commit", "Expired leases that share one commit",
            [](Settings& s) -> auto& { return s.limits.registry.expiries_per_commit; }),
      count("registry.tags", "Of one instance", [](Settings& s) -> auto& { return s.limits.model.tags; }),
      count("registry.metadata_entries", "Of one instance",
            [](Settings& s) -> auto& { return s.limits.model.metadata_entries; }),
      bytes("registry.name_bytes", "Of a service name, an id, a session",
            [](Settings& s) -> auto& { return s.limits.model.name_bytes; }),
      bytes("registry.address_bytes", "Of an address",
            [](Settings& s) -> auto& { return s.limits.model.address_bytes; }),
      bytes("registry.tag_bytes", "Of one tag", [](Settings& s) -> auto& { return s.limits.model.tag_bytes; }),
      bytes("registry.metadata_key_bytes", "Of one key",
            [](Settings& s) -> auto& { return s.limits.model.metadata_key_bytes; }),
      bytes("registry.metadata_value_bytes", "Of one value",
            [](Settings& s) -> auto& { return s.limits.model.metadata_value_bytes; }),
      count("registry.labels", "Of a service that an orchestrator declares",
            [](Settings& s) -> auto& { return s.limits.model.labels; }),
      bytes("registry.labels_bytes", "Of all of its labels together",
            [](Settings& s) -> auto& { return s.limits.model.labels_bytes; }),
      bytes("registry.reason_bytes", "Of a reason for maintenance, and of a remark",
            [](Settings& s) -> auto& { return s.limits.model.reason_bytes; }),
      count("registry.retired_sessions", "Replaced sessions that are remembered for an id",
            [](Settings& s) -> auto& { return s.limits.model.retired_sessions; }),
      duration("registry.deregister_after_max", "The longest that may be asked for",
               [](Settings& s) -> auto& { return s.limits.model.deregister_after_max; }),
      duration("check.interval_default", "Of a check that names none",
               [](Settings& s) -> auto& { return s.limits.model.check_interval_default; }),
      duration("check.interval_min", "The shortest that may be asked for",
               [](Settings& s) -> auto& { return s.limits.model.check_interval_min; }),
      duration("check.interval_max", "The longest that may be asked for",
               [](Settings& s) -> auto& { return s.limits.model.check_interval_max; }),
      duration("check.timeout_default", "Of a check that names none, at most its interval",
               [](Settings& s) -> auto& { return s.limits.model.check_timeout_default; }),
      bytes("check.target_bytes", "Of where a check goes",
            [](Settings& s) -> auto& { return s.limits.model.check_target_bytes; }),
      count("store.history_scan", "Events that one question about the past looks at",
            [](Settings& s) -> auto& { return s.limits.store.history_scan; }),
      count("store.prune_events", "Events that are dropped at one go",
            [](Settings& s) -> auto& { return s.limits.store.prune_events; }),
      duration("store.history_age", "How long the past is kept",
               [](Settings& s) -> auto& { return s.limits.store.history_age; }),
      bytes("store.history_bytes", "How much of the past is kept",
            [](Settings& s) -> auto& { return s.limits.store.history_bytes; }),
      count("catalog.recent_events", "How far back a watch resumes without the store",
            [](Settings& s) -> auto& { return s.limits.catalog.recent_events; }),
      {"check.networks", "CIDR blocks, separated by commas", "Where checks that instances ask for may go", set_networks,
       show_networks},
  };
}

std::vector<Setting> probe_rows() {
  return {
      toggle("probe.enabled", "Whether to look for servers", [](Settings& s) -> auto& { return s.probe_enabled; }),
      {"probe.hosts", "IP addresses, CIDR blocks or names, separated by commas",
       "Whom to probe; nobody else is ever contacted",
       [](Settings& s, std::string_view text) {
         auto hosts = split_list(text);
         for (const auto& host : hosts) {
           if (!validate_host(host, "hosts", s.probe)) return false;
         }
         return !hosts.empty() && (s.probe.ranges.front().hosts = std::move(hosts), true);
       },
       [](const Settings& s) { return fmt::format("{}", fmt::join(s.probe.ranges.front().hosts, ",")); }},
      ports("probe.web_ports", "Of Orthanc's REST API; unset: 8042-8100",
            [](Settings& s) -> auto& { return s.probe.ranges.front().web_ports; }),
      ports("probe.dicom_ports", "Unset: 4242-4300",
            [](Settings& s) -> auto& { return s.probe.ranges.front().dicom_ports; }),
      {"probe.user", "text", "For servers that ask for a password",
       [](Settings& s, std::string_view text) { return credentials(s).user = text, true; },
       [](const Settings&) { return std::string(); }},
      {"probe.password", "text; better from the environment than from a file that others read",
       "For servers that ask for one",
       [](Settings& s, std::string_view text) { return credentials(s).password = text, true; },
       [](const Settings&) { return std::string(); }},
      duration("probe.sweep_interval", "Between looks for new servers",
               [](Settings& s) -> auto& { return s.probe.sweep_interval; }),
      duration("probe.check_interval", "Between checks of a known server",
               [](Settings& s) -> auto& { return s.probe.check_interval; }),
      duration("probe.connect_timeout", "Of a port in a sweep",
               [](Settings& s) -> auto& { return s.probe.connect_timeout; }),
      duration("probe.answer_timeout", "Of a whole HTTP exchange",
               [](Settings& s) -> auto& { return s.probe.answer_timeout; }),
      duration("probe.details_interval", "Between looks at counts and jobs",
               [](Settings& s) -> auto& { return s.probe.details_interval; }),
      duration("probe.echo_interval", "Between C-ECHOs of a known DICOM port",
               [](Settings& s) -> auto& { return s.probe.echo_interval; }),
      count("probe.failures_before_offline", "Checks without an answer; a refused connection counts at once",
            [](Settings& s) -> auto& { return s.probe.failures_before_offline; }),
      duration("probe.remove_after", "Since last seen", [](Settings& s) -> auto& { return s.probe.remove_after; }),
      count("probe.connections_per_second", "At most",
            [](Settings& s) -> auto& { return s.probe.connections_per_second; }),
      count("probe.max_in_flight", "Connections of sweeps at one time",
            [](Settings& s) -> auto& { return s.probe.max_in_flight; }),
      count("probe.max_block_hosts", "Of one CIDR block", [](Settings& s) -> auto& { return s.probe.max_block_hosts; }),
      toggle("probe.report_dicom", "List DICOM nodes that aren't Orthanc as service \"dicom\"",
             [](Settings& s) -> auto& { return s.probe.report_dicom; }),
      toggle("probe.report_other", "List other web servers and open ports as \"http\" and \"tcp\"",
             [](Settings& s) -> auto& { return s.probe.report_other; }),
  };
}

}  // namespace

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    auto part = text.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

std::string_view name_of(Settings::StoreKind kind) noexcept {
  constexpr std::string_view kNames[] = {"sqlite", "memory", "postgres"};
  return kNames[std::to_underlying(kind)];
}

std::span<const Setting> settings_table() {
  static const auto table = [] {
    std::vector<Setting> rows;
    for (auto& part : {daemon_rows(), http_rows(), tls_rows(), access_rows(), socket_rows(), registry_rows(),
                       cluster_rows(), publish_rows(), probe_rows(), docker_rows(), metrics_rows()}) {
      rows.insert(rows.end(), part.begin(), part.end());
    }
    return rows;
  }();
  return table;
}

}  // namespace rollcall
