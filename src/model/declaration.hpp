#pragma once
// What an orchestrator says of a service as a whole, beside its instances.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace rollcall {

/// Which figure an autoscaler is to look at.
enum class ScalingMetric : std::uint8_t { cpu, memory };

/// Within which bounds, and by what, a service may be scaled. Thresholds are per cent.
struct Scaling {
  ScalingMetric metric = ScalingMetric::cpu;
  double cpu_threshold = 70;
  double memory_threshold = 70;
  std::uint32_t min_replicas = 1;
  std::uint32_t max_replicas = 2;
  friend bool operator==(const Scaling&, const Scaling&) = default;
};

/// One record of a source's for a service. It goes through the log as an instance does, with an id of its own, but
/// isn't a reachable thing: it has no address, is no one's instance and isn't counted.
struct Declaration {
  std::string native_id;                                    ///< the orchestrator's own id of the service
  std::vector<std::pair<std::string, std::string>> labels;  ///< sorted by key, keys unique
  std::uint32_t replicas = 0;                               ///< how many are wanted; of a global service 1
  bool global = false;                                      ///< one on each node
  Scaling scaling;
  WallTime created_at;  ///< by the orchestrator's clock
  WallTime updated_at;
  friend bool operator==(const Declaration&, const Declaration&) = default;
};

}  // namespace rollcall
