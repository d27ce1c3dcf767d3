#include "cli/app.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "server/version.hpp"

namespace rollcall::cli {
namespace {

constexpr std::string_view kSeparator = "--";
constexpr int kExitUsage = 2;
constexpr std::string_view kDefaultPort = "5001";

/// Where a daemon that was told the same things would listen.
std::string default_server() {
  const char* server = std::getenv("ROLLCALL_SERVER");
  if (server != nullptr) return server;
  const char* port = std::getenv("PORT");
  return fmt::format("127.0.0.1:{}", port != nullptr && *port != '\0' ? port : kDefaultPort);
}

}  // namespace

Program::Program() : app_("Rollcall: a service registry and discovery server", "rollcall") {
  // Not CLI11's envname(): subcommands that weren't asked for would overwrite the value that all share.
  common_.server = default_server();
  app_.set_version_flag("--version", fmt::format("rollcall {}", kVersion));
  app_.require_subcommand(1);
  add_common(app_);  // people write them before the subcommand as well; help shows them with those that use them
  for (auto* option : app_.get_options()) {
    if (option->check_lname("help") || option->check_lname("version")) continue;
    option->group("");
  }
  app_.footer(
      std::string(kExitCodes) +
      "\nEnvironment: ROLLCALL_SERVER (--server), ROLLCALL_CACERT (--cacert), ROLLCALL_TOKEN (sent to the daemon), "
      "NO_COLOR (no colours).\n"
      "`rollcall SUBCOMMAND --help` tells more.");
}

CLI::App& Program::add(const std::string& name, const std::string& summary, const std::string& example,
                       std::function<int()> run) {
  auto* command = app_.add_subcommand(name, summary);
  command->footer("Example:\n" + example);
  commands_.push_back({command, std::move(run)});
  return *command;
}

CLI::App& Program::add_client(const std::string& name, const std::string& summary, const std::string& example,
                              std::function<int()> run) {
  auto& command = add(name, summary, example, std::move(run));
  add_common(command);
  return command;
}

void Program::add_common(CLI::App& command) {
  command
      .add_option("--server", common_.server, "The daemon to ask; else ROLLCALL_SERVER, else this machine's at PORT")
      ->type_name("[https://]HOST:PORT")
      ->default_str(fmt::format("127.0.0.1:{}", kDefaultPort));
  command
      .add_option("--cacert", common_.cacert,
                  "Over https: who vouches for the daemon (PEM); else ROLLCALL_CACERT, else whom the system trusts")
      ->type_name("FILE");
  command.add_option("--cert", common_.cert, "Over https: our certificate, for a daemon that asks for one (PEM)")
      ->type_name("FILE");
  command.add_option("--key", common_.key, "The certificate's key (PEM, without a passphrase)")->type_name("FILE");
  command.add_flag("--json", common_.json, "For machines: JSON instead of a table");
}

int Program::main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  // CLI11 would look for flags of ours behind `--` too: what stands there is another program's.
  const auto separator = std::ranges::find(words, kSeparator);
  const bool separated = separator != words.end();
  if (separated) command_.assign(separator + 1, words.end());
  words.erase(separator, words.end());
  std::ranges::reverse(words);  // as CLI11 takes them
  try {
    app_.parse(words);
  } catch (const CLI::ParseError& error) {
    return app_.exit(error) == 0 ? 0 : kExitUsage;
  }
  const auto chosen = std::ranges::find_if(commands_, [](const Command& command) { return command.app->parsed(); });
  if (separated && (chosen->app->get_name() != "register" || command_.empty())) {
    fmt::print(stderr, "rollcall: -- is followed by the command that `rollcall register` is to run\n");
    return kExitUsage;
  }
  return chosen->run();
}

int complain(const Error& error) {
  // What isn't allowed is said of the field; other messages are sentences of their own.
  const bool of_field = error.code == ErrorCode::invalid && !error.field.empty();
  fmt::print(stderr, "rollcall: {}{}{}\n", of_field ? error.field : "", of_field ? " " : "", error.message);
  return exit_code_of(error.code);
}

}  // namespace rollcall::cli
