#include "publish/latest.hpp"

#include <algorithm>
#include <utility>

#include "codec/json.hpp"
#include "publish/payload.hpp"

namespace rollcall {
namespace {

constexpr std::string_view kServices = "services.updated";
constexpr std::string_view kHealth = "health.check";
constexpr std::string_view kMetrics = "metrics.";

std::string metrics_members(const std::string& service, const std::string& metrics) {
  std::string members = "\"service_name\":";
  codec::append_string(members, service);
  return members + ",\"metrics\":" + metrics;
}

}  // namespace

void Latest::start() {
  services_changed_ = true;
  services_due_ = metrics_due_ = health_due_ = clock_.now();
}

void Latest::take_due(std::vector<Message>& messages) {
  const MonoTime now = clock_.now();
  if (services_changed_ && now >= services_due_) {
    services_changed_ = false;
    services_due_ = now + limits_.list_interval;
    append(kServices, sources_.services(), messages);
  }
  if (!metrics_changed_.empty() && now >= metrics_due_) {
    metrics_due_ = now + limits_.list_interval;
    append_metrics(messages);
  }
  if (now >= health_due_) {
    health_due_ = now + limits_.health_interval;
    append(kHealth, "\"service\":" + sources_.health(), messages);
  }
}

void Latest::give_back(std::span<const Message> lost) {
  for (const auto& message : lost) {
    const std::string_view key = message.routing_key;
    if (key == kServices) {
      services_changed_ = true;
    } else if (key == kHealth) {
      health_due_ = clock_.now();
    } else if (key.starts_with(kMetrics)) {
      metrics_changed_.emplace(key.substr(kMetrics.size()));
    }
  }
}

MonoTime Latest::next_due() const {
  MonoTime next = health_due_;
  if (services_changed_) next = std::min(next, services_due_);
  if (!metrics_changed_.empty()) next = std::min(next, metrics_due_);
  return next;
}

void Latest::append_metrics(std::vector<Message>& messages) {
  for (const auto& service : std::exchange(metrics_changed_, {})) {
    const auto metrics = sources_.metrics ? sources_.metrics(service) : std::nullopt;
    if (metrics) append(std::string(kMetrics) + service, metrics_members(service, *metrics), messages);
  }
}

void Latest::append(std::string_view key, std::string_view members, std::vector<Message>& messages) const {
  const WallTime now = clock_.wall_now();
  auto body = begin_body(key, now);
  body += ',';
  body += members;
  body += '}';
  const auto number = static_cast<std::uint64_t>(now.time_since_epoch().count());
  messages.push_back({std::string(key), std::move(body), message_id(number, key), now});
}

}  // namespace rollcall
