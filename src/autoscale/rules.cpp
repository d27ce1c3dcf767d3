#include "autoscale/rules.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::autoscale {
namespace {

double in_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string_view word_for(ScalingMetric metric) { return metric == ScalingMetric::cpu ? "cpu" : "memory"; }

double threshold_of(const Scaling& scaling) {
  return scaling.metric == ScalingMetric::cpu ? scaling.cpu_threshold : scaling.memory_threshold;
}

/// Why nothing may be done now, whatever the load; empty if it may.
std::string obstacle(const Sighting& seen, std::optional<Duration> since_scaled, const Rules& rules) {
  if (!seen.replicated) return "is no replicated service of a Swarm";
  if (seen.scaling.min_replicas > seen.scaling.max_replicas) return "its minimum is above its maximum";
  if (seen.replicas == 0) return "was stopped: it is wanted without replicas";
  if (since_scaled && *since_scaled < rules.cooldown) {
    return fmt::format("was scaled {:.0f} s ago, which has to be {:.0f} s", in_seconds(*since_scaled),
                       in_seconds(rules.cooldown));
  }
  return {};
}

/// Why the load says nothing; empty if it does.
std::string doubt(const Sighting& seen, const Rules& rules) {
  if (!seen.load) return seen.no_load_because;
  if (seen.load_age > rules.oldest_load) return fmt::format("its load is {:.0f} s old", in_seconds(seen.load_age));
  if (seen.tasks_running != seen.replicas) {
    return fmt::format("{} of {} tasks run", seen.tasks_running, seen.replicas);
  }
  if (seen.tasks_sampled != seen.tasks_running) {
    return fmt::format("{} of {} tasks were sampled", seen.tasks_sampled, seen.tasks_running);
  }
  return {};
}

Decision by_load(const Sighting& seen, const Rules& rules) {
  const auto& scaling = seen.scaling;
  const double threshold = threshold_of(scaling), load = *seen.load;
  const auto says = fmt::format("{} {:.1f} %", word_for(scaling.metric), load);
  if (load > threshold) {
    const auto evidence = fmt::format("{} is above {:.1f} %", says, threshold);
    if (seen.replicas >= scaling.max_replicas) return {seen.replicas, evidence + ", and it has all that it may have"};
    return {seen.replicas + 1, evidence};
  }
  if (load >= threshold * rules.low) return {seen.replicas, says + " needs nothing"};
  const auto evidence = fmt::format("{} is below {:.1f} %", says, threshold * rules.low);
  if (seen.replicas <= std::max(scaling.min_replicas, 1U))
    return {seen.replicas, evidence + ", and it has no more to give"};
  const double left = load * seen.replicas / (seen.replicas - 1);
  if (left > threshold * (1 - rules.headroom)) {
    return {seen.replicas,
            fmt::format("{}, but {:.1f} % for those that stay is too near to {:.1f} %", evidence, left, threshold)};
  }
  return {seen.replicas - 1, evidence};
}

}  // namespace

Decision decide(const Sighting& seen, std::optional<Duration> since_scaled, const Rules& rules) {
  if (auto why = obstacle(seen, since_scaled, rules); !why.empty()) return {seen.replicas, std::move(why)};
  const auto& scaling = seen.scaling;
  if (seen.replicas < scaling.min_replicas) {
    return {scaling.min_replicas,
            fmt::format("has {} replicas and may not have less than {}", seen.replicas, scaling.min_replicas)};
  }
  if (seen.replicas > scaling.max_replicas) {
    return {scaling.max_replicas,
            fmt::format("has {} replicas and may not have more than {}", seen.replicas, scaling.max_replicas)};
  }
  if (auto why = doubt(seen, rules); !why.empty()) return {seen.replicas, std::move(why)};
  return by_load(seen, rules);
}

}  // namespace rollcall::autoscale
