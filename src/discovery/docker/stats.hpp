#pragma once
// What an engine counts of a container (GET /containers/{id}/stats?stream=false), as figures.
#include <optional>
#include <string_view>

#include "model/sample.hpp"

namespace rollcall::docker {

/// One answer as a sample; nothing where it has no figures, as for a container that has stopped. CPU is the share of
/// the time between the answer's two readings, as `docker stats` shows it: 100 is one core. It takes the field names of
/// cgroup v1 and v2.
[[nodiscard]] std::optional<UsageSample> parse_stats(std::string_view json);

}  // namespace rollcall::docker
