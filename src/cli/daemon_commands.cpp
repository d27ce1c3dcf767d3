// serve, settings, version, probe: what needs no daemon to ask.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "cli/app.hpp"
#include "cli/client.hpp"
#include "cli/table.hpp"
#include "server/probe_once.hpp"
#include "server/server.hpp"
#include "server/version.hpp"

namespace rollcall::cli {
namespace {

namespace json = boost::json;

struct ServeLine {
  CommandLine line;
  std::vector<std::string> assignments;
};

int run_serve(ServeLine& serve_line) {
  for (const auto& assignment : serve_line.assignments) {
    const auto equals = assignment.find('=');
    if (equals == std::string::npos) {
      return complain({ErrorCode::invalid, fmt::format("{} has no value; write KEY=VALUE", assignment), "--set"});
    }
    serve_line.line.values.emplace_back(assignment.substr(0, equals), assignment.substr(equals + 1));
  }
  return serve(serve_line.line);
}

/// `--http` is the key listen.http, `--set KEY=VALUE` any key.
void add_serve(Program& program) {
  const auto values = std::make_shared<ServeLine>();
  auto& command = program.add(
      "serve",
      "Run the daemon. Settings come from flags, then ROLLCALL_* variables, then the file, then defaults; `rollcall "
      "settings` lists them all. The first line on standard output tells the addresses as bound; logs go to standard "
      "error. SIGTERM ends it.",
      "  rollcall serve --http 127.0.0.1:5001 --data-dir /var/lib/rollcall\n"
      "  rollcall serve --http 127.0.0.1:0 --set probe.hosts=10.0.0.0/28 --set http.body_bytes=2MiB",
      [values] { return run_serve(*values); });
  const auto flag = [&](const std::string& name, const std::string& key, const std::string& type,
                        const std::string& help) {
    command
        .add_option_function<std::string>(
            name, [values, key](const std::string& value) { values->line.values.emplace_back(key, value); }, help)
        ->type_name(type);
  };
  flag("--http", "listen.http", "ADDRESS:PORT", "Where HTTP is served (default 127.0.0.1:5001; port 0 picks one)");
  flag("--socket", "listen.socket", "ADDRESS:PORT",
       "Where the socket protocol is served (default 127.0.0.1:65432; port 0 picks one; off turns it off)");
  flag("--tls-cert", "tls.cert", "FILE", "Serve HTTPS with this certificate, and those that lead to its root (PEM)");
  flag("--tls-key", "tls.key", "FILE", "The certificate's key (PEM, without a passphrase)");
  flag("--tls-client-ca", "tls.client_ca", "FILE", "Ask clients for a certificate that one of these vouches for (PEM)");
  flag("--data-dir", "data_dir", "DIR", "Where the registry is kept (default rollcall-data)");
  flag("--store", "store", "WHAT", "sqlite (default), memory, or postgres://USER@HOST/DATABASE");
  flag("--node", "cluster.node", "NAME", "What this node is called among several on one database (default HOST:PORT)");
  flag("--log-level", "log_level", "LEVEL", "DEBUG, INFO, WARNING or ERROR (default INFO)");
  flag("--log-format", "log_format", "FORMAT", "text or json (default text)");
  flag("--cors-origins", "cors.origins", "ORIGINS",
       "Whose web pages may ask, beside the daemon's own (default nobody's)");
  command.add_option("--config", values->line.config_file, "A TOML file with settings")->type_name("FILE");
  command.add_option("--set", values->assignments, "Any setting, by its key; may be given several times")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

int show_version(const Common& common, bool ask) {
  json::object versions{{"name", "rollcall"}, {"version", kVersion}};
  if (ask) {
    const auto client = Client::open(common);
    if (!client) return complain(client.error());
    auto daemon = client->get("/version");
    if (!daemon) return complain(daemon.error());
    versions["daemon"] = *std::move(daemon);
  }
  if (common.json) {
    fmt::print("{}\n", json::serialize(versions));
    return 0;
  }
  fmt::print("rollcall {}\n", kVersion);
  if (ask) fmt::print("daemon   {}\n", printable(text_of(versions["daemon"], "version")));
  return 0;
}

void add_version(Program& program) {
  const auto ask = std::make_shared<bool>(false);
  auto& command = program.add_client("version", "Tell which version this is, and with --daemon which one the daemon is",
                                     "  rollcall version --daemon",
                                     [&program, ask] { return show_version(program.common(), *ask); });
  command.add_flag("--daemon", *ask, "Ask the daemon as well");
}

int show_health(const Common& common) {
  const auto client = Client::open(common);
  if (!client) return complain(client.error());
  const auto health = client->get("/health");
  if (!health) return complain(health.error());
  fmt::print("{}\n", common.json ? json::serialize(*health) : printable(text_of(*health, "status")));
  return 0;
}

void add_health(Program& program) {
  program.add_client("health", "Tell whether a daemon answers and can store what it is told; needs no token",
                     "  rollcall health --server 10.0.0.5:5001", [&program] { return show_health(program.common()); });
}

struct ProbeLine {
  std::string target;
  double timeout_s = 2;
  bool as_json = false;
};

json::object object_of(const PortAnswer& answer, const std::string& target) {
  return {{"target", target},        {"kind", answer.kind},         {"locked", answer.locked},
          {"name", answer.name},     {"aet", answer.aet},           {"version", answer.version},
          {"server", answer.server}, {"evidence", answer.evidence}, {"response_time_ms", answer.response_time_ms}};
}

int probe(const ProbeLine& line) {
  auto endpoint = resolve(line.target);
  if (!endpoint) {
    auto error = endpoint.error();
    if (!error.field.empty()) error.field = line.target;
    return complain(error);
  }
  const auto timeout = std::chrono::milliseconds(static_cast<std::int64_t>(line.timeout_s * 1000));
  const auto answer = probe_once(*endpoint, timeout);
  if (!answer) return complain(answer.error());
  if (line.as_json) {
    fmt::print("{}\n", json::serialize(object_of(*answer, line.target)));
    return 0;
  }
  Table table({"KIND", "NAME", "AET", "VERSION", "SERVER", "EVIDENCE"});
  table.add({answer->kind, answer->name, answer->aet, answer->version, answer->server, answer->evidence});
  fmt::print("{}", table.text(false));
  return 0;
}

void add_probe(Program& program) {
  const auto values = std::make_shared<ProbeLine>();
  auto& command = program.add("probe",
                              "Ask a port once, from here, what answers there: an Orthanc, another web server, a DICOM "
                              "node, something else. Ends with 1 if nobody does.",
                              "  rollcall probe 127.0.0.1:8042", [values] { return probe(*values); });
  command.add_option("target", values->target, "The port")->required()->type_name("HOST:PORT");
  command.add_option("--timeout", values->timeout_s, "Seconds to wait for an answer")
      ->check(CLI::Range(0.05, 60.0))
      ->type_name("SECONDS")
      ->capture_default_str();
  command.add_flag("--json", values->as_json, "For machines: JSON instead of a table");
}

}  // namespace

void add_daemon_commands(Program& program) {
  add_serve(program);
  add_version(program);
  add_health(program);
  add_probe(program);
  program.add("settings", "List every setting with its default, as docs/configuration.md has it", "  rollcall settings",
              [] {
                fmt::print("{}", describe_settings());
                return 0;
              });
}

}  // namespace rollcall::cli
