#pragma once
#include <span>

#include "http/server_context.hpp"
#include "metrics/own_metrics.hpp"

namespace rollcall {

/// What the connections of all I/O threads have counted, summed up.
void add_http_metrics(OwnMetrics& metrics, std::span<const http::ServerStats* const> stats);

}  // namespace rollcall
