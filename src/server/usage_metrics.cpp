#include "server/usage_metrics.hpp"

#include "metrics/usage_summary.hpp"

namespace rollcall {

void add_usage_metrics(OwnMetrics& metrics, const UsageHistory& usage, WallTime now, const Settings& settings) {
  metrics.gauge("usage_history_bytes", "What the memory of services' use takes.", static_cast<double>(usage.bytes()));
  const auto oldest = now - 2 * settings.limits.metrics.step;
  for (const auto& service : usage.services(settings.services_in_metrics)) {
    const auto summary = summarize(within(usage.since(service, oldest), now));
    if (!summary) continue;
    const OwnMetrics::Labels labels{{"service", service.str()}};
    metrics.gauge("service_cpu_percent", "What a service's instances use together; 100 is one core.",
                  summary->sum.cpu_percent, labels);
    metrics.gauge("service_memory_bytes", "What a service's instances use together.", summary->sum.memory_bytes,
                  labels);
    metrics.gauge("service_sampled", "Instances of a service that have been sampled of late.",
                  static_cast<double>(summary->tasks.size()), labels);
  }
}

}  // namespace rollcall
