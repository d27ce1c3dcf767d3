#pragma once
// What the daemon answers over HTTP: docs/openapi.yaml, operation by operation.
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/executor.hpp"
#include "base/limits.hpp"
#include "catalog/catalog.hpp"
#include "http/router.hpp"
#include "metrics/own_metrics.hpp"
#include "metrics/sample_table.hpp"
#include "metrics/usage_history.hpp"
#include "model/agent_report.hpp"
#include "registry/registry.hpp"

namespace rollcall::api {

/// Answers without a token, for whoever watches over the daemon.
inline constexpr std::string_view kOpenPath = "/health";

struct VersionInfo {
  std::string version;
  std::string build;  ///< may be empty
};

/// This node, among others or alone.
struct NodeInfo {
  NodeCard card;
  std::string store;  ///< "sqlite", "memory", "postgres"
};

/// How a part of the daemon is, for /health.
struct PartHealth {
  std::string name;
  bool ok = true;
  std::string detail{};                   ///< why not
  std::optional<WallTime> stale_since{};  ///< what it knows is from then; none: it is up to date
};

/// What is found by listing it, and when that was last done.
struct DiscoveryState {
  std::optional<WallTime> last_refresh;  ///< none: not yet
  std::chrono::milliseconds refresh_interval{0};
};

inline constexpr std::string_view kRabbitMq = "rabbitmq";
inline constexpr std::string_view kWebhook = "webhook";

/// How it is with what is published to others.
struct PublisherInfo {
  std::string name;     ///< kRabbitMq or kWebhook
  bool active = false;  ///< this node is the one that publishes
  bool connected = false;
  std::uint64_t lag_events = 0;
  double lag_seconds = 0;
  std::uint64_t messages = 0, failures = 0, gaps = 0;
  std::string exchange{};
};

/// What the routes work on. References outlive the Router; callbacks are called on its thread, and mustn't block.
struct ApiParts {
  Registry& registry;
  const Catalog& catalog;
  CatalogReader& reader;  ///< of the Router's thread
  const SampleTable& samples;
  const UsageHistory& usage;
  const Clock& clock;
  Executor& own;  ///< of the Router's thread: it runs what others wake, and timers
  const Limits& limits;
  VersionInfo version;
  NodeInfo node;
  /// Why an instance may not have that check, or nothing. Without this function, none may have one.
  std::function<Result<void>(const CheckSpec&)> check_allowed;
  /// Adds the figures of what the routes don't know: connections, bytes on disk, providers.
  std::function<void(OwnMetrics&)> add_metrics;
  /// Providers and other parts whose trouble should show.
  std::function<std::vector<PartHealth>()> parts_health;
  /// Nothing, or no function, where nothing is found by listing.
  std::function<std::optional<DiscoveryState>()> discovery{};
  /// Lists it again and applies the difference; `done` is called on any thread, and mustn't block. Empty: nothing is.
  std::function<void(std::move_only_function<void(Result<void>)> done)> refresh_discovery{};
  /// Takes new samples of a service's instances where that can be asked for; `done` is told if there are any, on any
  /// thread. Empty: it never can.
  std::function<void(const ServiceName&, std::move_only_function<void(bool)> done)> refresh_usage{};
  /// What an agent tells of its node; `take` is called on any thread. Empty: there is no Swarm that it could belong to.
  std::function<void(std::string node, AgentReport, std::move_only_function<void(Result<AgentWishes>)> take)>
      agent_reports{};
  /// Those that the settings name.
  std::function<std::vector<PublisherInfo>()> publishers{};
};

/// What GET /health says.
[[nodiscard]] std::string health_json(const ApiParts& parts);

/// What GET /services/{name}/metrics says of them, if there are any.
[[nodiscard]] std::optional<std::string> metrics_of(const ApiParts& parts, std::string_view service);

/// One for each I/O thread.
[[nodiscard]] http::Router make_router(ApiParts parts);

}  // namespace rollcall::api
