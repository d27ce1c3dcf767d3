// What is published to others: GET /events, and how /health and /metrics show it.
#include "api/publishers.hpp"

#include <algorithm>

#include "api/answers.hpp"
#include "codec/json.hpp"

namespace rollcall::api {
namespace {

using http::Method;

constexpr std::string_view kEvents =
    R"(["services.updated","service.added","service.updated","service.removed","metrics.{service_name}",)"
    R"("health.check","instance.registered","instance.updated","instance.status_changed","instance.removed","gap"])";

void append_flag(std::string& json, std::string_view name, bool value) {
  json += name;
  json += value ? "true" : "false";
}

const PublisherInfo& named(const std::vector<PublisherInfo>& publishers, std::string_view name) {
  static const PublisherInfo kNone;
  const auto found = std::ranges::find(publishers, name, &PublisherInfo::name);
  return found == publishers.end() ? kNone : *found;
}

/// Without braces.
void append_members(std::string& json, const PublisherInfo& publisher) {
  append_flag(json, "\"enabled\":", !publisher.name.empty());
  append_flag(json, ",\"connected\":", publisher.connected);
  if (publisher.name.empty()) return;
  append_flag(json, ",\"active\":", publisher.active);
  json += ",\"lag\":{\"events\":";
  append_number(json, publisher.lag_events);
  json += ",\"seconds\":";
  append_seconds(json, publisher.lag_seconds);
  json += '}';
}

void append_webhook(std::string& json, const PublisherInfo& webhook) {
  if (webhook.name.empty()) return;
  json += ",\"webhook\":{";
  append_members(json, webhook);
  json += '}';
}

std::vector<PublisherInfo> publishers_of(const ApiParts& parts) {
  return parts.publishers ? parts.publishers() : std::vector<PublisherInfo>{};
}

Result<Response> get_events(const ApiParts& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {}); !ok) return std::unexpected(ok.error());
  const auto publishers = publishers_of(parts);
  const auto& broker = named(publishers, kRabbitMq);
  std::string json = "{\"available_events\":";
  json += kEvents;
  json += ",\"exchange\":";
  codec::append_string(json, broker.exchange);
  json += ',';
  append_members(json, broker);
  append_webhook(json, named(publishers, kWebhook));
  json += '}';
  return http::json_response(200, std::move(json));
}

}  // namespace

void append_publishers(std::string& json, const ApiParts& parts) {
  const auto publishers = publishers_of(parts);
  json += ",\"publisher\":{";
  append_members(json, named(publishers, kRabbitMq));
  json += '}';
  append_webhook(json, named(publishers, kWebhook));
}

void add_publisher_metrics(OwnMetrics& metrics, const ApiParts& parts) {
  for (const auto& publisher : publishers_of(parts)) {
    const auto real = [](std::uint64_t value) { return static_cast<double>(value); };
    const OwnMetrics::Labels labels{{"publisher", publisher.name}};
    metrics.gauge("publisher_active", "1 while this node is the one that publishes.", publisher.active ? 1 : 0, labels);
    metrics.gauge("publisher_connected", "1 while the receiver can be reached.", publisher.connected ? 1 : 0, labels);
    metrics.gauge("publisher_lag_events", "Events that aren't confirmed yet.", real(publisher.lag_events), labels);
    metrics.gauge("publisher_lag_seconds", "Age of the oldest of them.", publisher.lag_seconds, labels);
    metrics.counter("published_messages_total", "Messages that were confirmed.", real(publisher.messages), labels);
    metrics.counter("publish_failures_total", "Tries that came to nothing.", real(publisher.failures), labels);
    metrics.counter("publish_gaps_total", "Times when events weren't kept until they could be published.",
                    real(publisher.gaps), labels);
  }
}

void add_events(http::Router& router, const PartsPtr& parts) {
  router.add(Method::get, "/events", at_once(parts, get_events));
}

}  // namespace rollcall::api
