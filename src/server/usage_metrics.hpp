#pragma once
#include "base/clock.hpp"
#include "metrics/own_metrics.hpp"
#include "metrics/usage_history.hpp"
#include "server/settings.hpp"

namespace rollcall {

/// What services use, by their newest samples: of as many services as the settings let /metrics name.
void add_usage_metrics(OwnMetrics& metrics, const UsageHistory& usage, WallTime now, const Settings& settings);

}  // namespace rollcall
