// The shapes of the Swarm registry that Rollcall replaces: /services, /services/{name}, /health, /.
#include "api/answers.hpp"
#include "api/cache.hpp"
#include "api/fresh_read.hpp"
#include "api/publishers.hpp"
#include "api/service_read.hpp"
#include "catalog/encoded_list.hpp"
#include "codec/json.hpp"

namespace rollcall::api {
namespace {

using http::Method;

constexpr unsigned kRetryAfterSeconds = 1;

std::string directory_tail(const ApiParts& parts, const DirectoryView& view) {
  std::string tail = "],\"metadata\":{\"count\":";
  append_number(tail, view.services);
  tail += ",\"instances\":";
  append_number(tail, view.instances);
  tail += ",\"cache_version\":";
  append_number(tail, view.revision.value);
  tail += ',';
  append_last_refresh(tail, parts);
  tail += ',';
  append_timestamp(tail, parts.clock);
  tail += "}}";
  return tail;
}

Result<Response> list_services(const ApiParts& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {}); !ok) return std::unexpected(ok.error());
  const auto view = parts.reader.directory();
  Response answer;
  answer.etag = etag_of(parts.catalog.generation(), view->revision);
  answer.cache_control = "no-cache";
  answer.body.before = "{\"services\":[";
  view->entries->for_each_chunk([&](std::string_view bytes) { answer.body.shared.push_back(bytes); });
  answer.body.owner = view;
  answer.body.after = directory_tail(parts, *view);
  return answer;
}

/// The way that discovery takes most often: one look-up, shared bytes, a short tail.
Result<Answer> get_service(const PartsPtr& parts, const Request& request) {
  if (!request.query.empty()) return poll_service(parts, request);
  const std::string_view name = request.params.at(0);
  const auto view = parts->reader.find(name);
  if (view) return service_answer(*parts, view);
  if (auto valid = service_param(*parts, request); !valid) return std::unexpected(valid.error());
  return service_not_found(name);
}

/// What works but not as it should.
std::vector<std::string> warnings_of(const ApiParts& parts, const std::vector<PartHealth>& health) {
  std::vector<std::string> warnings;
  if (!parts.catalog.revision()) warnings.emplace_back("no service was ever registered or discovered");
  for (const auto& part : health) {
    if (!part.ok) warnings.push_back(part.name + ": " + part.detail);
  }
  return warnings;
}

void append_warnings(std::string& json, const std::vector<std::string>& warnings) {
  json += ",\"warnings\":[";
  for (std::size_t i = 0; i < warnings.size(); ++i) {
    if (i > 0) json += ',';
    codec::append_string(json, warnings[i]);
  }
  json += ']';
}

void append_providers(std::string& json, const std::vector<PartHealth>& health) {
  json += ",\"providers\":[";
  for (std::size_t i = 0; i < health.size(); ++i) {
    json += i > 0 ? ",{\"name\":" : "{\"name\":";
    codec::append_string(json, health[i].name);
    json += health[i].ok ? ",\"ok\":true" : ",\"ok\":false";
    if (!health[i].detail.empty()) {
      json += ",\"detail\":";
      codec::append_string(json, health[i].detail);
    }
    if (health[i].stale_since) {
      json += ",\"stale_since\":";
      append_seconds(json, epoch_seconds(*health[i].stale_since));
    }
    json += '}';
  }
  json += ']';
}

struct Health {
  std::string json;
  bool writable = true;
};

Health health_of(const ApiParts& parts) {
  const auto health = parts.parts_health ? parts.parts_health() : std::vector<PartHealth>{};
  const auto warnings = warnings_of(parts, health);
  std::string detail;
  bool writable = parts.registry.writable(&detail);
  if (writable && !parts.registry.in_touch()) {
    writable = false;
    detail = "cut off from the other nodes, which may have gone on without this one";
  }
  std::string json = "{\"status\":\"";
  json += !writable ? "unavailable" : warnings.empty() ? "healthy" : "degraded";
  json += "\",";
  append_timestamp(json, parts.clock);
  json += ",\"service\":\"service-registry\",\"version\":";
  codec::append_string(json, parts.version.version);
  if (!writable) {
    json += ",\"detail\":";
    codec::append_string(json, detail);
  }
  if (!warnings.empty()) append_warnings(json, warnings);
  json += ",\"cache\":" + cache_stats(parts);
  append_publishers(json, parts);
  append_providers(json, health);
  json += '}';
  return {std::move(json), writable};
}

Result<Response> get_health(const ApiParts& parts, const Request&) {
  auto [json, writable] = health_of(parts);
  auto answer = http::json_response(writable ? 200 : 503, std::move(json));
  if (!writable) answer.retry_after_s = kRetryAfterSeconds;
  return answer;
}

}  // namespace

Response service_answer(const ApiParts& parts, const boost::local_shared_ptr<const ServiceView>& view) {
  Response answer;
  answer.etag = etag_of(parts.catalog.generation(), view->service.revision);
  answer.cache_control = "no-cache";
  auto& body = answer.body;
  body.before = "{\"service\":{";
  body.shared.push_back(view->entry_json);
  body.shared.push_back(",\"instances\":[");
  view->instances->for_each_chunk([&body](std::string_view bytes) { body.shared.push_back(bytes); });
  body.owner = view;
  body.after = "]},";
  append_timestamp(body.after, parts.clock);
  body.after += '}';
  return answer;
}

Response service_information(const ApiParts& parts) {
  std::string json = R"({"service":"service-registry","name":"rollcall","version":)";
  codec::append_string(json, parts.version.version);
  json += ',';
  append_timestamp(json, parts.clock);
  json +=
      R"(,"endpoints":{"health":"/health","services":"/services","service":"/services/{name}",)"
      R"("instances":"/services/{name}/instances","history":"/history","events":"/events","servers":"/servers.json",)"
      R"("metrics":"/metrics","version":"/version","description":"/openapi.yaml","page":"/dashboard.html"}})";
  return http::json_response(200, std::move(json));
}

std::string health_json(const ApiParts& parts) { return health_of(parts).json; }

void add_seed004(http::Router& router, const PartsPtr& parts) {
  router.add(Method::get, "/services", fresh_read(parts, list_services));
  router.add(Method::get, "/services/{name}", fresh_read(parts, get_service));
  router.add(Method::get, "/health", at_once(parts, get_health));
}

}  // namespace rollcall::api
