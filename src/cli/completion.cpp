// `rollcall completion bash`, made from what the command line understands.
#include <fmt/format.h>

#include "cli/app.hpp"

namespace rollcall::cli {
namespace {

std::string flags_of(const CLI::App& app) {
  std::string flags;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) flags += (flags.empty() ? "--" : " --") + name;
  }
  return flags;
}

/// What may follow a flag, where bash or we know it.
std::string values_of(const std::string& type) {
  if (type == "FILE") return "compgen -f";
  if (type == "DIR") return "compgen -d";
  if (type == "STATUS") return "compgen -W 'passing warning critical maintenance'";
  if (type == "LEVEL") return "compgen -W 'DEBUG INFO WARNING ERROR'";
  if (type == "LOG") return "compgen -W 'sqlite: postgres://'";
  if (type == "FORMAT") return "compgen -W 'text json'";
  return {};
}

void append_values(std::string& out, const CLI::App& app) {
  for (const auto* option : app.get_options()) {
    if (option->get_lnames().empty() || option->get_type_size() == 0) continue;
    const auto type = option->get_type_name();  // with what is allowed behind it: "STATUS:{passing,...}"
    const auto values = values_of(type.substr(0, type.find(":{")));
    out +=
        fmt::format("    {}:--{})\n      {}\n      return ;;\n", app.get_name(), option->get_lnames().front(),
                    values.empty() ? "COMPREPLY=()" : fmt::format("mapfile -t COMPREPLY < <({} -- \"$word\")", values));
  }
}

bool takes_service(const CLI::App& app) {
  for (const auto* option : app.get_options()) {
    if (option->get_positional() && option->get_name(true) == "name") return true;
  }
  return false;
}

}  // namespace

std::string bash_completion(CLI::App& app) {
  std::string names;
  std::string flags;
  std::string values;
  std::string services;
  for (const auto* command : app.get_subcommands({})) {
    names += (names.empty() ? "" : " ") + command->get_name();
    flags += fmt::format("    {}) flags='{}' ;;\n", command->get_name(), flags_of(*command));
    append_values(values, *command);
    if (takes_service(*command) && command->get_name() != "register") {
      services += (services.empty() ? "" : "|") + command->get_name();
    }
  }
  return fmt::format(R"BASH(# bash completion for rollcall; made by `rollcall completion bash`
_rollcall() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} command= flags= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
    --) return ;;
    -*) ;;
    *) [[ -n $command ]] || command=${{COMP_WORDS[i]}} ;;
    esac
  done
  if [[ -z $command ]]; then
    mapfile -t COMPREPLY < <(compgen -W '{} --help --version' -- "$word")
    return
  fi
  case $command:$before in
{}  esac
  case $command in
{}  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$word")
    return
  fi
  case $command in
    completion) mapfile -t COMPREPLY < <(compgen -W 'bash' -- "$word") ;;
    {}) mapfile -t COMPREPLY < <(compgen -W "$(rollcall services 2>/dev/null | awk 'NR > 1 {{ print $1 }}')" -- "$word") ;;
  esac
}}
complete -o default -F _rollcall rollcall
)BASH",
                     names, values, flags, services);
}

}  // namespace rollcall::cli
