// services, instances, query.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "cli/app.hpp"
#include "cli/client.hpp"
#include "cli/table.hpp"
#include "http/message.hpp"

namespace rollcall::cli {
namespace {

namespace json = boost::json;

struct Filter {
  std::string name;
  std::string status;
  std::string tag;
};

const std::vector<std::string> kStatuses{"passing", "warning", "critical", "maintenance"};

Result<json::value> instances_of(const Common& common, const Filter& filter) {
  const auto client = Client::open(common);
  if (!client) return std::unexpected(client.error());
  auto target = fmt::format("/services/{}/instances", http::percent_encode_segment(filter.name));
  char separator = '?';
  const auto narrow = [&](std::string_view key, const std::string& value) {
    if (value.empty()) return;
    target += fmt::format("{}{}={}", separator, key, http::percent_encode_segment(value));
    separator = '&';
  };
  narrow("status", filter.status);
  narrow("tag", filter.tag);
  return client->get(std::move(target));
}

std::string joined(const json::array& list) {
  std::string text;
  for (const auto& entry : list) {
    if (!text.empty()) text += ',';
    text += std::string_view(entry.as_string());
  }
  return text;
}

int show_services(const Common& common) {
  const auto client = Client::open(common);
  if (!client) return complain(client.error());
  const auto answer = client->get("/services");
  if (!answer) return complain(answer.error());
  if (common.json) {
    fmt::print("{}\n", json::serialize(*answer));
    return 0;
  }
  Table table({"NAME", "STATUS", "INSTANCES", "PASSING", "WARNING", "CRITICAL", "MAINTENANCE"});
  for (const auto& service : list_of(*answer, "services")) {
    const auto* members = service.if_object();
    const auto* counts = members == nullptr ? nullptr : members->if_contains("instance_counts");
    const auto count = [&](std::string_view status) { return counts == nullptr ? "" : text_of(*counts, status); };
    table.add({text_of(service, "name"), text_of(service, "status"), text_of(service, "current_replicas"),
               count("passing"), count("warning"), count("critical"), count("maintenance")});
  }
  fmt::print("{}", table.text(wants_colours()));
  return 0;
}

int show_instances(const Common& common, const Filter& filter) {
  const auto answer = instances_of(common, filter);
  if (!answer) return complain(answer.error());
  if (common.json) {
    fmt::print("{}\n", json::serialize(*answer));
    return 0;
  }
  Table table({"ID", "ADDRESS", "STATUS", "SOURCE", "TAGS", "WHY"});
  for (const auto& instance : list_of(*answer, "instances")) {
    auto why = text_of(instance, "maintenance");
    if (why.empty()) why = text_of(instance, "status_reason");
    table.add({text_of(instance, "id"), address_of(instance), text_of(instance, "status"), text_of(instance, "source"),
               joined(list_of(instance, "tags")), why});
  }
  fmt::print("{}", table.text(wants_colours()));
  return 0;
}

int query(const Common& common, Filter filter) {
  filter.status = "passing";
  const auto answer = instances_of(common, filter);
  if (!answer) return complain(answer.error());
  const auto& instances = list_of(*answer, "instances");
  if (common.json) {
    fmt::print("{}\n", json::serialize(*answer));
  } else {
    for (const auto& instance : instances) fmt::print("{}\n", printable(address_of(instance)));
  }
  return instances.empty() ? exit_code_of(ErrorCode::not_found) : 0;
}

std::string seconds_of(const json::value& object, std::string_view member) {
  const auto text = text_of(object, member);
  return text.empty() ? text : text + " s";
}

std::string flags_of(const json::value& node) {
  std::string flags;
  for (const auto* flag : {"self", "reaper"}) {
    if (text_of(node, flag) == "true") flags += flags.empty() ? flag : fmt::format(", {}", flag);
  }
  return flags;
}

/// Exits with 3 when this node has lost touch, or can't write.
int show_nodes(const Common& common) {
  const auto client = Client::open(common);
  if (!client) return complain(client.error());
  const auto answer = client->get("/cluster");
  if (!answer) return complain(answer.error());
  const auto* store = answer->as_object().if_contains("store");
  const bool well = text_of(*answer, "in_touch") == "true" && store != nullptr && text_of(*store, "writable") == "true";
  const int code = well ? 0 : exit_code_of(ErrorCode::unavailable);
  if (common.json) return fmt::print("{}\n", json::serialize(*answer)), code;
  Table table({"NODE", "ADDRESS", "VERSION", "REVISION", "BEHIND", "SILENT FOR", ""});
  for (const auto& node : list_of(*answer, "nodes")) {
    table.add({text_of(node, "name"), text_of(node, "address"), text_of(node, "version"), text_of(node, "revision"),
               text_of(node, "behind"), seconds_of(node, "silent_for"), flags_of(node)});
  }
  fmt::print("{}", table.text(wants_colours()));
  if (store != nullptr) {
    fmt::print("store {}, {}, revision {}; this node lags by {} at the most\n", text_of(*store, "engine"),
               text_of(*store, "writable") == "true" ? "takes writes" : "takes no writes: " + text_of(*store, "detail"),
               text_of(*store, "revision"), seconds_of(*answer, "lag"));
  }
  if (const auto trouble = text_of(*answer, "trouble"); !trouble.empty()) fmt::print("{}\n", printable(trouble));
  return code;
}

}  // namespace

void add_read_commands(Program& program) {
  const auto filter = std::make_shared<Filter>();
  program.add_client("services", "List the services that are known", "  rollcall services",
                     [&program] { return show_services(program.common()); });
  program.add_client("nodes",
                     "Show the nodes that share the registry, how far each has come and who is the reaper; ends with 3 "
                     "if the node that is asked can't write or has lost touch with the others",
                     "  rollcall nodes --server http://10.0.0.2:5001",
                     [&program] { return show_nodes(program.common()); });
  auto& instances = program.add_client("instances", "List a service's instances, whatever their status",
                                       "  rollcall instances billing --status critical",
                                       [&program, filter] { return show_instances(program.common(), *filter); });
  instances.add_option("name", filter->name, "The service")->required()->type_name("NAME");
  instances.add_option("--status", filter->status, "Only those with this status")
      ->check(CLI::IsMember(kStatuses))
      ->type_name("STATUS");
  instances.add_option("--tag", filter->tag, "Only those with this tag")->type_name("TAG");
  auto& asked = program.add_client(
      "query", "Print where a service's passing instances are, one ADDRESS:PORT a line; ends with 1 if there are none",
      "  curl \"http://$(rollcall query billing | shuf -n1)/\"",
      [&program, filter] { return query(program.common(), *filter); });
  asked.add_option("name", filter->name, "The service")->required()->type_name("NAME");
  asked.add_option("--tag", filter->tag, "Only those with this tag")->type_name("TAG");
}

}  // namespace rollcall::cli
