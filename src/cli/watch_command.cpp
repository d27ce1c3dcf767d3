// watch: follows the log.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <optional>

#include "cli/app.hpp"
#include "cli/client.hpp"
#include "cli/event_follower.hpp"
#include "cli/table.hpp"

namespace rollcall::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kStatusWidth = 11;

struct Wanted {
  EventFilter filter;
  std::optional<std::uint64_t> since;
  std::uint64_t count = 0;  ///< 0: for ever
};

/// The event with `kind` for its own, if that is another.
std::string as_json(std::string_view kind, const json::value& event) {
  if (text_of(event, "kind") == kind) return json::serialize(event);
  auto shown = event;
  if (auto* members = shown.if_object()) (*members)["kind"] = kind;
  return json::serialize(shown);
}

bool declares(const json::value& subject) { return subject.as_object().contains("record"); }

std::string name_of_subject(const json::value& subject) {
  return declares(subject) ? "service " + text_of(subject, "name") : text_of(subject, "id");
}

std::string place_of(const json::value& subject) {
  return declares(subject) ? text_of(subject, "current_replicas") + " wanted" : address_of(subject);
}

std::string as_row(std::string_view kind, const json::value& event, bool colours) {
  const auto& members = event.as_object();
  const auto& subject = subject_of(event);
  const auto& cause = members.at("cause");
  const auto status = text_of(subject, "status");
  return fmt::format("{:>8}  {:<12}  {}{:{}}  {}  {}  {}: {}", text_of(event, "revision"), printable(kind),
                     coloured_status(status, colours), "", kStatusWidth - std::min(kStatusWidth, status.size()),
                     printable(name_of_subject(subject)), printable(place_of(subject)),
                     printable(text_of(cause, "writer")), printable(text_of(cause, "evidence")));
}

int watch(const Common& common, const Wanted& wanted) {
  const auto client = Client::open(common);
  if (!client) return complain(client.error());
  const bool colours = !common.json && wants_colours();
  std::uint64_t shown = 0;
  const auto show = [&](std::string_view kind, const json::value& event) {
    fmt::print("{}\n", common.json ? as_json(kind, event) : as_row(kind, event, colours));
    return ++shown != wanted.count;
  };
  EventFollower follower(*client, wanted.filter, wanted.since, {show, [] { std::fflush(stdout); }});
  const auto followed = follower.run();
  return followed ? 0 : complain(followed.error());
}

}  // namespace

void add_watch_command(Program& program) {
  const auto wanted = std::make_shared<Wanted>();
  auto& command = program.add_client(
      "watch",
      "Print what happens as it happens, a line an event, until interrupted. A broken connection is taken up again "
      "where it was; nothing is left out silently.",
      "  rollcall watch billing --tag eu\n  rollcall watch --since 0 --json",
      [&program, wanted] { return watch(program.common(), *wanted); });
  auto& filter = wanted->filter;
  command.add_option("name", filter.service, "This service alone")->type_name("NAME");
  command.add_option("--tag", filter.tag, "Those with this tag; `gone` tells who has it no longer")->type_name("TAG");
  command.add_option("--source", filter.source, "Those that came this way: api, socket, probe, ...")
      ->type_name("SOURCE");
  command.add_option("--status", filter.status, "Those with this status; `gone` tells who has another one now")
      ->check(CLI::IsMember({"passing", "warning", "critical", "maintenance"}))
      ->type_name("STATUS");
  command
      .add_option("--since", wanted->since,
                  "Begin after this revision, 0: with the oldest that is kept (default: from now on)")
      ->type_name("REVISION");
  command.add_option("--count", wanted->count, "End after this many events (default: never)")->type_name("N");
}

}  // namespace rollcall::cli
