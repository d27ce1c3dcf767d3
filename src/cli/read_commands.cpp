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

}  // namespace

void add_read_commands(Program& program) {
  const auto filter = std::make_shared<Filter>();
  program.add_client("services", "List the services that are known", "  rollcall services",
                     [&program] { return show_services(program.common()); });
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
