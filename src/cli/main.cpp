#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "server/server.hpp"
#include "server/version.hpp"

namespace {

using rollcall::CommandLine;

/// `--http` is the key listen.http, `--set KEY=VALUE` any key.
void add_serve(CLI::App& app, CommandLine& line, std::vector<std::string>& assignments) {
  auto* serve = app.add_subcommand("serve", "Run the daemon");
  serve->footer(
      "Settings come from flags, then ROLLCALL_* variables, then the file, then defaults; docs/configuration.md lists\n"
      "them all. The first line on standard output tells the addresses as bound; logs go to standard error.\n\n"
      "  rollcall serve --http 127.0.0.1:5001 --data-dir /var/lib/rollcall\n"
      "  rollcall serve --http 127.0.0.1:0 --set probe.hosts=10.0.0.0/28 --set http.body_bytes=2MiB");
  const auto flag = [&](const std::string& name, const std::string& key, const std::string& type,
                        const std::string& help) {
    serve
        ->add_option_function<std::string>(
            name, [&line, key](const std::string& value) { line.values.emplace_back(key, value); }, help)
        ->type_name(type);
  };
  flag("--http", "listen.http", "ADDRESS:PORT", "Where HTTP is served (default 127.0.0.1:5001; port 0 picks one)");
  flag("--socket", "listen.socket", "ADDRESS:PORT",
       "Where the socket protocol is served (default 127.0.0.1:65432; port 0 picks one; off turns it off)");
  flag("--data-dir", "data_dir", "DIR", "Where the registry is kept (default rollcall-data)");
  flag("--log-level", "log_level", "LEVEL", "DEBUG, INFO, WARNING or ERROR (default INFO)");
  serve->add_option("--config", line.config_file, "A TOML file with settings")->type_name("FILE");
  serve->add_option("--set", assignments, "Any setting, by its key")->type_name("KEY=VALUE")->allow_extra_args(false);
}

bool take_assignments(const std::vector<std::string>& assignments, CommandLine& line) {
  for (const auto& assignment : assignments) {
    const auto equals = assignment.find('=');
    if (equals == std::string::npos) {
      fmt::print(stderr, "rollcall: --set {} has no value; write KEY=VALUE\n", assignment);
      return false;
    }
    line.values.emplace_back(assignment.substr(0, equals), assignment.substr(equals + 1));
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Rollcall: a service registry and discovery server", "rollcall"};
  app.set_version_flag("--version", fmt::format("rollcall {}", rollcall::kVersion));
  app.require_subcommand(1);
  CommandLine line;
  std::vector<std::string> assignments;
  add_serve(app, line, assignments);
  const auto* settings =
      app.add_subcommand("settings", "List every setting with its default, as docs/configuration.md has it");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (*settings) {
    fmt::print("{}", rollcall::describe_settings());
    return 0;
  }
  if (!take_assignments(assignments, line)) return 2;
  return rollcall::serve(line);
}
