// backup, restore, migrate: the registry's log as a whole, without asking a daemon.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <cstdio>

#include "cli/app.hpp"
#include "cli/table.hpp"
#include "server/backup.hpp"

namespace rollcall::cli {
namespace {

namespace json = boost::json;

struct CopyLine {
  std::string file, from, to;
  CommandLine settings;
  std::vector<std::string> assignments;
  bool verify = false;
  bool as_json = false;
};

/// One line on a terminal that is written over and over; nothing anywhere else.
OnCopyProgress progress_on_terminal() {
  if (isatty(STDERR_FILENO) == 0) return {};
  return [](std::string_view doing, const LogProgress& made) {
    fmt::print(stderr, "\r\033[K{} {} events, {} %", doing, made.events,
               made.revision.value * 100 / std::max<std::uint64_t>(made.last.value, 1));
    std::fflush(stderr);
  };
}

void end_progress() {
  if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r\033[K");
}

Result<LogPlace> place(CopyLine& line, const std::string& text, std::string_view option) {
  const auto settings = load_settings(line.settings, system_environment());
  if (!settings) return std::unexpected(settings.error());
  return LogPlace::read(text, *settings, option);
}

/// `--set KEY=VALUE` as `serve` takes it.
Result<void> take_assignments(CopyLine& line) {
  for (const auto& assignment : line.assignments) {
    const auto equals = assignment.find('=');
    if (equals == std::string::npos)
      return fail(ErrorCode::invalid, assignment + " has no value; write KEY=VALUE", "--set");
    line.settings.values.emplace_back(assignment.substr(0, equals), assignment.substr(equals + 1));
  }
  return {};
}

json::object object_of(const LogSummary& log) {
  return {{"generation", log.head.generation.value},
          {"revision", log.head.revision.value},
          {"compacted", log.head.compacted.value},
          {"number", log.head.number.value},
          {"events", log.events},
          {"tombstones", log.tombstones},
          {"lease_marks", log.marks},
          {"outboxes", log.outboxes},
          {"digest", log.digest}};
}

/// What was done, for people as lines and for machines as one object.
class Told {
 public:
  Told& say(std::string_view name, std::string value) {
    object_[name] = value;
    lines_ += fmt::format("{:<12} {}\n", name, printable(value));
    return *this;
  }
  Told& say(const LogSummary& log) {
    for (auto& [name, value] : object_of(log)) object_[name] = value;
    lines_ += fmt::format("{:<12} {}\n{:<12} {}, history from {} on\n", "generation", log.head.generation.value,
                          "revision", log.head.revision.value, log.head.compacted.value + 1);
    lines_ += fmt::format("{:<12} {} events, {} tombstones, {} lease marks, {} outboxes\n{:<12} {}\n", "kept",
                          log.events, log.tombstones, log.marks, log.outboxes, "digest", log.digest);
    return *this;
  }
  Told& say(std::string_view name, const LogSummary& log) {
    object_[name] = object_of(log);
    lines_ += fmt::format("{:<12} {} events up to revision {}, digest {}\n", name, log.events, log.head.revision.value,
                          log.digest);
    return *this;
  }

  int print(std::FILE* out, bool as_json) const {
    fmt::print(out, "{}", as_json ? json::serialize(object_) + "\n" : lines_);
    return 0;
  }

 private:
  json::object object_;
  std::string lines_;
};

int fail_with(const Error& error) {
  end_progress();
  return complain(error);
}

int run_verify(const CopyLine& line) {
  const auto content = verify_backup(line.file, progress_on_terminal());
  if (!content) return fail_with(content.error());
  end_progress();
  const auto at = std::chrono::floor<std::chrono::seconds>(content->origin.at).time_since_epoch().count();
  return Told()
      .say("file", line.file)
      .say("written_by", content->origin.program)
      .say("written_at", fmt::format("{:%FT%TZ}", fmt::gmtime(at)))
      .say(content->log)
      .print(stdout, line.as_json);
}

int run_backup(CopyLine& line) {
  if (line.verify) {
    if (line.from.empty()) return run_verify(line);
    return complain({ErrorCode::invalid, "is of no use with --verify, which reads the file alone", "--from"});
  }
  const bool to_stdout = line.file == "-";
  if (to_stdout && isatty(STDOUT_FILENO) != 0) {
    return complain({ErrorCode::invalid, "is a terminal: name a file, or send it somewhere", "standard output"});
  }
  if (auto taken = take_assignments(line); !taken) return complain(taken.error());
  const auto from = place(line, line.from, "--from");
  if (!from) return complain(from.error());
  const auto log = back_up(*from, line.file, progress_on_terminal());
  if (!log) return fail_with(log.error());
  end_progress();
  return Told()
      .say("from", from->name())
      .say("file", line.file)
      .say(*log)
      .print(to_stdout ? stderr : stdout, line.as_json);
}

int run_restore(CopyLine& line) {
  if (auto taken = take_assignments(line); !taken) return complain(taken.error());
  const auto to = place(line, line.to, "--to");
  if (!to) return complain(to.error());
  const auto log = restore(line.file, *to, progress_on_terminal());
  if (!log) return fail_with(log.error());
  end_progress();
  return Told().say("file", line.file).say("to", to->name()).say(*log).print(stdout, line.as_json);
}

int run_migrate(CopyLine& line) {
  if (auto taken = take_assignments(line); !taken) return complain(taken.error());
  const auto from = place(line, line.from, "--from");
  if (!from) return complain(from.error());
  const auto to = place(line, line.to, "--to");
  if (!to) return complain(to.error());
  const auto moved = migrate(*from, *to, progress_on_terminal());
  if (!moved) return fail_with(moved.error());
  end_progress();
  return Told()
      .say("from", from->name())
      .say("to", to->name())
      .say("read", moved->from)
      .say("read_back", moved->to)
      .print(stdout, line.as_json);
}

/// `--json` may stand before the subcommand as well.
std::shared_ptr<CopyLine> with_common(const std::shared_ptr<CopyLine>& line, const Common& common) {
  line->as_json = line->as_json || common.json;
  return line;
}

CLI::Option* add_log(CLI::App& command, const std::string& name, std::string& value, const std::string& help) {
  return command.add_option(name, value, help)->type_name("LOG");
}

void add_settings(CLI::App& command, const std::shared_ptr<CopyLine>& line) {
  command.add_option("--config", line->settings.config_file, "The daemon's TOML file, for what isn't named")
      ->type_name("FILE");
  command.add_option("--set", line->assignments, "Any setting of the daemon's, such as postgres.schema=NAME")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command.add_flag("--json", line->as_json, "For machines: JSON instead of lines");
}

void add_backup(Program& program) {
  const auto line = std::make_shared<CopyLine>();
  auto& command = program.add(
      "backup",
      "Write the whole registry, as it is at one moment, to a file; the daemon goes on meanwhile. It is found by the "
      "settings that `serve` would have, or by --from",
      "  rollcall backup --config /etc/rollcall/rollcall.toml /backups/registry-$(date +%F)\n"
      "  rollcall backup --from sqlite:/var/lib/rollcall - | ssh backups 'cat > registry'\n"
      "  rollcall backup --verify /backups/registry-2026-11-21",
      [&program, line] { return run_backup(*with_common(line, program.common())); });
  command.add_option("file", line->file, "Where to; - is standard output")->required()->type_name("FILE");
  add_log(command, "--from", line->from,
          "sqlite:PATH (a data directory, or a file in .db), or postgres://USER@HOST/DATABASE");
  command.add_flag("--verify", line->verify, "Check such a file instead, and tell what is in it");
  add_settings(command, line);
}

void add_restore(Program& program) {
  const auto line = std::make_shared<CopyLine>();
  auto& command = program.add(
      "restore",
      "Make a registry of a backup, where there is none and no daemon runs. The file is checked as a whole first. Who "
      "watched the old registry starts over",
      "  rollcall restore /backups/registry-2026-11-21 --to sqlite:/var/lib/rollcall",
      [&program, line] { return run_restore(*with_common(line, program.common())); });
  command.add_option("file", line->file, "A file of `rollcall backup`")->required()->type_name("FILE");
  add_log(command, "--to", line->to, "Where to: as --from of `rollcall backup`; else what `serve` would use");
  add_settings(command, line);
}

void add_migrate(Program& program) {
  const auto line = std::make_shared<CopyLine>();
  auto& command = program.add(
      "migrate",
      "Move the registry from one store to another while no daemon runs, and read it back. Who watches goes on where "
      "it was. The old one stays as it is, and no daemon may be started on it again",
      "  rollcall migrate --from sqlite:/var/lib/rollcall --to postgres://rollcall@db1.example/rollcall",
      [&program, line] { return run_migrate(*with_common(line, program.common())); });
  add_log(command, "--from", line->from,
          "sqlite:PATH (a data directory, or a file in .db), or postgres://USER@HOST/DATABASE")
      ->required();
  add_log(command, "--to", line->to, "The same; a log must not be there")->required();
  add_settings(command, line);
}

}  // namespace

void add_backup_commands(Program& program) {
  add_backup(program);
  add_restore(program);
  add_migrate(program);
}

}  // namespace rollcall::cli
