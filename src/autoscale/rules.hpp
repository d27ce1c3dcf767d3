#pragma once
// When a service gets a task more or one less. A pure function of what was seen of it.
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "model/declaration.hpp"

namespace rollcall::autoscale {

struct Rules {
  Duration cooldown = std::chrono::seconds(60);  ///< of one service, after it was scaled
  Duration oldest_load = std::chrono::seconds(180);
  double low = 0.5;       ///< of the threshold: below it a task is taken away
  double headroom = 0.1;  ///< of the threshold: what must be left to the tasks that stay
};

/// A service as the registry shows it.
struct Sighting {
  bool replicated = false;  ///< a Swarm's service with a number of replicas; nothing else is ever scaled
  std::uint32_t replicas = 0;
  Scaling scaling;
  std::uint32_t tasks_running = 0, tasks_sampled = 0;
  std::optional<double> load;  ///< per cent, mean over the tasks: of a core, or of the label's memory limit
  std::string no_load_because;
  Duration load_age{};
};

struct Decision {
  std::uint32_t replicas = 0;  ///< from now on; as before: nothing is to be done
  std::string evidence;
};

/// `since_scaled`: nullopt if it never was.
[[nodiscard]] Decision decide(const Sighting& seen, std::optional<Duration> since_scaled, const Rules& rules);

}  // namespace rollcall::autoscale
