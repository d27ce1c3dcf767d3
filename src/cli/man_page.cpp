// `rollcall man`, made from what the command line understands.
#include <fmt/format.h>

#include "cli/app.hpp"
#include "server/version.hpp"

namespace rollcall::cli {
namespace {

/// Text as troff takes it: no escapes, no requests, dashes that can be copied.
std::string troff(std::string_view text) {
  std::string out;
  bool at_begin = true;
  for (const char letter : text) {
    if (at_begin && (letter == '.' || letter == '\'')) out += "\\&";
    at_begin = letter == '\n';
    if (letter == '\\') {
      out += "\\e";
    } else if (letter == '-') {
      out += "\\-";
    } else {
      out += letter;
    }
  }
  return out;
}

std::string option_heading(const CLI::Option& option) {
  if (option.get_positional()) return fmt::format("\\fI{}\\fR", troff(option.get_type_name()));
  std::string names;
  for (const auto& name : option.get_snames()) names += fmt::format("\\fB\\-{}\\fR, ", troff(name));
  for (const auto& name : option.get_lnames()) names += fmt::format("\\fB\\-\\-{}\\fR, ", troff(name));
  if (names.size() > 2) names.resize(names.size() - 2);
  if (option.get_type_size() != 0) names += fmt::format(" \\fI{}\\fR", troff(option.get_type_name()));
  return names;
}

void append_options(std::string& out, const CLI::App& app) {
  for (const auto* option : app.get_options()) {
    auto help = option->get_description();
    if (!option->get_default_str().empty()) help += fmt::format(" (default {})", option->get_default_str());
    out += fmt::format(".TP\n{}\n{}\n", option_heading(*option), troff(help));
  }
}

/// Lines that are shown as they are, indented.
void append_block(std::string& out, std::string_view text) { out += fmt::format(".PP\n.nf\n{}\n.fi\n", troff(text)); }

}  // namespace

std::string man_page(CLI::App& app) {
  std::string out = fmt::format(
      ".TH ROLLCALL 1 \"\" \"rollcall {}\" \"User Commands\"\n.SH NAME\nrollcall \\- service registry and discovery "
      "server\n.SH SYNOPSIS\n",
      kVersion);
  out +=
      ".B rollcall\n\\fISUBCOMMAND\\fR [\\fIOPTIONS\\fR]\n.br\n.B rollcall register\n\\fINAME\\fR [\\fIOPTIONS\\fR] "
      "\\-\\- \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]\n";
  out +=
      fmt::format(".SH DESCRIPTION\n{}.\nIts subcommands run the daemon, ask one over HTTP, or copy what it keeps.\n",
                  troff(app.get_description()));
  out += ".SH SUBCOMMANDS\n";
  for (const auto* command : app.get_subcommands({})) {
    out += fmt::format(".SS {}\n{}.\n", troff(command->get_name()), troff(command->get_description()));
    append_options(out, *command);
    append_block(out, command->get_footer());
  }
  out += ".SH EXIT STATUS, ENVIRONMENT\n";
  append_block(out, app.get_footer());
  return out;
}

void add_generated_texts(Program& program) {
  const auto shell = std::make_shared<std::string>();
  auto& completion = program.add("completion", "Print what makes a shell complete rollcall's words",
                                 "  source <(rollcall completion bash)", [&program] {
                                   fmt::print("{}", bash_completion(program.app()));
                                   return 0;
                                 });
  completion.add_option("shell", *shell, "bash")
      ->required()
      ->check(CLI::IsMember(std::vector<std::string>{"bash"}))
      ->type_name("SHELL");
  // `shell` is written while parsing: the subcommand's callback keeps it alive so long.
  completion.callback([shell] {});
  program.add("man", "Print the manual page", "  rollcall man | man -l -", [&program] {
    fmt::print("{}", man_page(program.app()));
    return 0;
  });
}

}  // namespace rollcall::cli
