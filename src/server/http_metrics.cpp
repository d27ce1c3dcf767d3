#include "server/http_metrics.hpp"

namespace rollcall {

void add_http_metrics(OwnMetrics& metrics, std::span<const http::ServerStats* const> stats) {
  using Stats = http::ServerStats;
  const auto sum = [stats](std::atomic<std::uint64_t> Stats::* member) {
    double total = 0;
    for (const auto* one : stats) total += static_cast<double>((one->*member).load(std::memory_order_relaxed));
    return total;
  };
  metrics.counter("http_requests_total", "Requests answered.", sum(&Stats::requests));
  metrics.counter("http_responses_total", "Answers that were errors, by class.", sum(&Stats::responses_4xx),
                  {{"class", "4xx"}});
  metrics.counter("http_responses_total", "Answers that were errors, by class.", sum(&Stats::responses_5xx),
                  {{"class", "5xx"}});
  metrics.gauge("http_connections", "Connections open now.", sum(&Stats::connections));
  metrics.gauge("http_streams", "Answers that are streamed: watches, and texts as they are compressed.",
                sum(&Stats::streams));
  metrics.counter("http_connections_total", "Connections accepted.", sum(&Stats::connections_total));
  metrics.counter("http_connections_refused_total", "Connections over the limit.", sum(&Stats::connections_refused));
}

}  // namespace rollcall
