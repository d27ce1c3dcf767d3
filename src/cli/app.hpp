#pragma once
// What `rollcall` understands: one definition from which the command line is parsed and help, completion and the man
// page are made.
#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace rollcall::cli {

/// What the subcommands that ask a daemon have in common.
struct Common {
  std::string server{};
  std::string cacert{};
  std::string cert{};
  std::string key{};
  bool json = false;
};

class Program {
 public:
  Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// A subcommand that `run` carries out; its result is the exit code.
  CLI::App& add(const std::string& name, const std::string& summary, const std::string& example,
                std::function<int()> run);

  /// The same with --server, what TLS needs, and --json.
  CLI::App& add_client(const std::string& name, const std::string& summary, const std::string& example,
                       std::function<int()> run);

  /// Parses and runs. Ends with an exit code of docs/cli.md.
  int main(int argc, char** argv);

  [[nodiscard]] CLI::App& app() noexcept { return app_; }
  [[nodiscard]] const Common& common() const noexcept { return common_; }
  /// What stood behind `--`.
  [[nodiscard]] const std::vector<std::string>& command() const noexcept { return command_; }

 private:
  void add_common(CLI::App& command);

  struct Command {
    CLI::App* app;
    std::function<int()> run;
  };

  CLI::App app_;
  Common common_;
  std::vector<Command> commands_;
  std::vector<std::string> command_;
};

/// Each adds a group of subcommands, whose values live as long as `program`.
void add_daemon_commands(Program& program);  ///< serve, settings, version, probe
void add_write_commands(Program& program);   ///< register, heartbeat, deregister
void add_read_commands(Program& program);    ///< services, instances, query, nodes
void add_watch_command(Program& program);
void add_backup_commands(Program& program);  ///< backup, restore, migrate
void add_autoscale_command(Program& program);
void add_role_command(Program& program);
void add_agent_command(Program& program);
void add_generated_texts(Program& program);  ///< completion, man

/// For bash: subcommands, their flags, and the values of those that take one of a few.
[[nodiscard]] std::string bash_completion(CLI::App& app);

/// In man(7) macros.
[[nodiscard]] std::string man_page(CLI::App& app);

/// Says it on standard error; the exit code of its kind.
int complain(const Error& error);

inline constexpr auto kExitCodes =
    "Exit codes:\n"
    "  0  done\n"
    "  1  the daemon said no: not found, or something newer stands in the way\n"
    "  2  wrong usage, or a value that isn't allowed\n"
    "  3  not now: the daemon can't be reached, isn't the one that it should be, or can't do it at the moment\n"
    "  4  not allowed: a token is missing or may not do this\n"
    "  5  a defect, or data that this program can't read\n";

}  // namespace rollcall::cli
