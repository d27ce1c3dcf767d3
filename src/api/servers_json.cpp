// /servers.json in the shape of the Orthanc dashboard that Rollcall replaces, from what probing found.
#include <charconv>
#include <map>

#include "api/answers.hpp"
#include "api/fresh_read.hpp"
#include "api/object_writer.hpp"
#include "catalog/encoded_list.hpp"
#include "codec/json.hpp"

namespace rollcall::api {
namespace {

using http::Method;

constexpr std::string_view kOrthancService = "orthanc";

std::string_view meta(const Instance& instance, std::string_view key) {
  for (const auto& [name, value] : instance.spec.metadata) {
    if (name == key) return value;
  }
  return {};
}

/// 0 where the text is no port.
std::uint16_t port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), port);
  return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size() ? port : 0;
}

std::string plugins_json(std::string_view list) {
  std::string json = "[";
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    auto name = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    while (name.starts_with(' ')) name.remove_prefix(1);
    if (name.empty()) continue;
    if (json.size() > 1) json += ',';
    codec::append_string(json, name);
  }
  json += ']';
  return json;
}

void add_orthanc(ObjectWriter& out, const OrthancSample& sample) {
  ObjectWriter counts;
  counts.number("patients", sample.patients);
  counts.number("studies", sample.studies);
  counts.number("series", sample.series);
  counts.number("instances", sample.instances);
  out.raw("counts", std::move(counts).finish());
  ObjectWriter disk;
  disk.number("bytes", sample.disk_bytes);
  disk.number("uncompressed_bytes", sample.uncompressed_bytes);
  out.raw("disk", std::move(disk).finish());
  ObjectWriter jobs;
  jobs.number("running", sample.jobs_running);
  jobs.number("pending", sample.jobs_pending);
  jobs.number("failed", sample.jobs_failed);
  out.raw("jobs", std::move(jobs).finish());
  if (sample.cpu_percent) out.real("cpu_percent", *sample.cpu_percent);
  out.number("memory_bytes", sample.memory_bytes);
  out.number("restarts", sample.restarts);
}

struct Ports {
  std::uint16_t dicom = 0;
  std::uint16_t web = 0;
};

Ports ports_of(const Instance& instance) {
  const auto web = port_of(meta(instance, "web_port"));
  return {port_of(meta(instance, "dicom_port")), web != 0 ? web : instance.spec.port};
}

std::string key_of(const Instance& instance) {
  const auto ports = ports_of(instance);
  std::string key = instance.spec.address + ':';
  append_number(key, ports.dicom != 0 ? ports.dicom : ports.web);
  return key;
}

void add_what_it_says(ObjectWriter& out, const Instance& instance) {
  const auto ports = ports_of(instance);
  out.text("host", instance.spec.address);
  out.number("dicom_port", ports.dicom);
  out.number("web_port", ports.web);
  out.text("name", meta(instance, "name"));
  out.text("aet", meta(instance, "aet"));
  out.text("version", meta(instance, "version"));
  for (const std::string_view optional : {"url", "api_version"}) {
    if (const auto value = meta(instance, optional); !value.empty()) out.text(optional, value);
  }
  out.boolean("locked", meta(instance, "locked") == "true");
  if (const auto plugins = meta(instance, "plugins"); !plugins.empty()) out.raw("plugins", plugins_json(plugins));
}

std::string server_json(const Instance& instance, const std::optional<Sample>& sample) {
  ObjectWriter out;
  out.text("id", instance.id.view());
  add_what_it_says(out, instance);
  // Before the first sample of this process, the log is what is known.
  out.real("first_seen", epoch_seconds(sample ? sample->first_seen : instance.registered_at));
  out.real("last_seen", epoch_seconds(sample ? sample->last_seen : instance.status_since));
  out.text("status", instance.health == Status::critical ? "offline" : "online");
  out.text("health", name_of(instance.status()));
  out.real("since", epoch_seconds(instance.status_since));
  out.text("reason", instance.maintenance ? *instance.maintenance : instance.status_reason);
  if (sample && sample->response_time_ms) out.real("response_time_ms", *sample->response_time_ms);
  if (sample && sample->orthanc) add_orthanc(out, *sample->orthanc);
  return std::move(out).finish();
}

/// Views hold bytes, so their ids lead to the instances.
Result<std::vector<InstancePtr>> probed_servers(const ApiParts& parts) {
  std::vector<InstancePtr> servers;
  const auto view = parts.reader.find(kOrthancService);
  if (!view) return servers;
  std::string json = "[";
  view->instances->append_matching({.status = {}, .source = Source::probe, .tag = {}}, json);
  json += ']';
  const auto ids = codec::decode_instance_ids(json);
  if (!ids) return std::unexpected(ids.error());
  for (const auto& id : *ids) {
    auto instance = parts.catalog.find_instance(id);
    if (instance && instance->source == Source::probe) servers.push_back(std::move(instance));
  }
  return servers;
}

/// An earlier and a later server may have used one endpoint: the one that is online shows, else the newer.
bool hides(const Instance& candidate, const Instance& shown) {
  const bool candidate_up = candidate.health != Status::critical;
  const bool shown_up = shown.health != Status::critical;
  return candidate_up != shown_up ? candidate_up : candidate.status_since > shown.status_since;
}

Result<Response> get_servers(const ApiParts& parts, const Request&) {
  std::map<std::string, InstancePtr> by_key;
  auto servers = probed_servers(parts);
  if (!servers) return std::unexpected(servers.error());
  for (auto& server : *servers) {
    auto& place = by_key[key_of(*server)];
    if (!place || hides(*server, *place)) place = std::move(server);
  }
  std::string json = "{";
  for (const auto& [key, server] : by_key) {
    if (json.size() > 1) json += ',';
    codec::append_string(json, key);
    json += ':';
    json += server_json(*server, parts.samples.find(server->id));
  }
  json += '}';
  return http::json_response(200, std::move(json));
}

}  // namespace

void add_servers_json(http::Router& router, const PartsPtr& parts) {
  router.add(Method::get, "/servers.json", fresh_read(parts, get_servers));
}

}  // namespace rollcall::api
