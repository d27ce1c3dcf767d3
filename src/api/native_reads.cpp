// Instances as they are now.
#include "api/fresh_read.hpp"
#include "api/list_filter.hpp"
#include "api/native.hpp"

namespace rollcall::api {
namespace {

using http::Method;

std::string list_tail(const ApiParts& parts, const ServiceView& view, std::size_t count) {
  std::string tail = "],\"count\":";
  append_number(tail, count);
  tail += ",\"revision\":";
  append_number(tail, view.service.revision.value);
  tail += ",\"timestamp\":";
  append_number(tail, static_cast<std::uint64_t>(whole_seconds(parts.clock)));
  tail += '}';
  return tail;
}

Result<Response> list_instances(const ApiParts& parts, const Request& request) {
  const auto name = service_param(parts, request);
  if (!name) return std::unexpected(name.error());
  const auto filter = list_filter(request.query);
  if (!filter) return std::unexpected(filter.error());
  return show_instances(parts, *name, *filter);
}

void append_heartbeat(std::string& json, const Registry::Silence& silence) {
  json += ",\"last_heartbeat\":{\"seconds_ago\":";
  append_seconds(json, std::chrono::duration<double>(silence.since_last_beat).count());
  json += silence.unverified ? ",\"unverified\":true}" : ",\"unverified\":false}";
}

}  // namespace

Response show_instances(const ApiParts& parts, const ServiceName& name, const PieceFilter& filter) {
  const auto view = parts.reader.find(name.view());
  if (!view) return service_not_found(name.view());
  Response answer;
  answer.etag = etag_of(parts.catalog.generation(), view->service.revision);
  answer.cache_control = "no-cache";
  answer.body.before = "{\"instances\":[";
  std::size_t count = view->instances->size();
  if (filter.empty()) {
    view->instances->for_each_chunk([&](std::string_view bytes) { answer.body.shared.push_back(bytes); });
    answer.body.owner = view;
  } else {
    count = view->instances->append_matching(filter, answer.body.before);
  }
  answer.body.after = list_tail(parts, *view, count);
  return answer;
}

Result<Response> show_instance(const ApiParts& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {}); !ok) return std::unexpected(ok.error());
  const auto id = id_param(parts, request, 0);
  if (!id) return std::unexpected(id.error());
  const auto instance = parts.catalog.find_instance(id->view());
  if (!instance || instance->spec.declares) return std::unexpected(instance_not_found(id->view()));
  auto json = instance_json(*instance);
  json.pop_back();
  if (const auto silence = parts.registry.silence(id->view())) append_heartbeat(json, *silence);
  if (const auto sample = parts.samples.find(*id)) codec::append_sample_members(json, *sample);
  json += '}';
  return http::json_response(200, std::move(json));
}

void add_native_reads(http::Router& router, const PartsPtr& parts) {
  router.add(Method::get, "/services/{name}/instances", fresh_read(parts, list_instances));
  router.add(Method::get, "/instances/{id}", fresh_read(parts, show_instance));
}

}  // namespace rollcall::api
