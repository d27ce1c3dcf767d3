// The daemon about itself: /version, /metrics.
#include "api/answers.hpp"
#include "api/publishers.hpp"
#include "base/log.hpp"
#include "codec/json.hpp"

namespace rollcall::api {
namespace {

using http::Method;

double real(std::uint64_t value) { return static_cast<double>(value); }

Result<Response> get_version(const ApiParts& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {}); !ok) return std::unexpected(ok.error());
  std::string json = "{\"name\":\"rollcall\",\"version\":";
  codec::append_string(json, parts.version.version);
  if (!parts.version.build.empty()) {
    json += ",\"build\":";
    codec::append_string(json, parts.version.build);
  }
  json += ",\"generation\":";
  append_number(json, parts.catalog.generation().value);
  json += ",\"revision\":";
  append_number(json, parts.catalog.revision().value);
  json += '}';
  return http::json_response(200, std::move(json));
}

void add_registry(OwnMetrics& metrics, const Registry& registry) {
  const auto stats = registry.stats();
  metrics.counter("commits_total", "Batches made durable.", real(stats.commits));
  metrics.counter("changes_total", "Changes made durable.", real(stats.changes));
  metrics.counter("conflicts_total", "Commands that something newer stood in the way of.", real(stats.conflicts));
  metrics.counter("commit_failures_total", "Batches that the store failed.", real(stats.failures));
  metrics.counter("expired_total", "Leases that ran out.", real(stats.expired));
  metrics.gauge("queued_commands", "Commands that wait for a batch.", real(stats.queued));
  metrics.gauge("leases", "Leases that are judged.", real(stats.leases));
  metrics.gauge("store_bytes", "What the store takes on disk.", real(stats.store_bytes));
  metrics.gauge("store_writable", "1 while the store takes writes.", registry.writable() ? 1 : 0);
  const auto cluster = registry.cluster();
  if (!cluster) return;
  metrics.gauge("nodes", "Nodes that share the log.", real(cluster->nodes.size()));
  metrics.gauge("lag_seconds", "How long something may have been in the log that isn't applied here.",
                std::chrono::duration<double>(registry.lag()).count());
  metrics.gauge("in_touch", "1 while heartbeats that this node takes reach the others in time.",
                registry.in_touch() ? 1 : 0);
}

void add_catalog(OwnMetrics& metrics, const ApiParts& parts) {
  const auto view = parts.reader.directory();
  metrics.gauge("services", "Services that have instances.", real(view->services));
  metrics.gauge("instances", "Instances that are known.", real(view->instances));
  metrics.gauge("revision", "Revision of the newest event.", real(view->revision.value));
  metrics.gauge("samples", "Instances that have a sample.", real(parts.samples.size()));
}

Result<Response> get_metrics(const ApiParts& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {}); !ok) return std::unexpected(ok.error());
  OwnMetrics metrics;
  metrics.gauge("build_info", "Which Rollcall this is.", 1,
                {{"version", parts.version.version}, {"build", parts.version.build}});
  add_registry(metrics, parts.registry);
  add_catalog(metrics, parts);
  metrics.counter("log_lines_total", "Log lines by level.", real(log::lines_written(log::Level::warning)),
                  {{"level", "warning"}});
  metrics.counter("log_lines_total", "Log lines by level.", real(log::lines_written(log::Level::error)),
                  {{"level", "error"}});
  add_publisher_metrics(metrics, parts);
  if (parts.add_metrics) parts.add_metrics(metrics);
  metrics.add_process();
  auto answer = http::json_response(200, metrics.text());
  answer.content_type = OwnMetrics::kContentType;
  return answer;
}

}  // namespace

void add_self(http::Router& router, const PartsPtr& parts) {
  router.add(Method::get, "/version", at_once(parts, get_version));
  router.add(Method::get, "/metrics", at_once(parts, get_metrics));
}

}  // namespace rollcall::api
