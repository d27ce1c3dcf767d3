#include "server/setting_kinds.hpp"

namespace rollcall {
namespace {

constexpr std::string_view kAtLeastASecond = "a duration such as 5s, 1m, 1h, of 1s at least; a bare number is seconds";

template <class Member>
Setting seconds_or_more(std::string_view key, std::string_view help, Member member) {
  auto row = duration(key, help, member);
  row.allowed = kAtLeastASecond;
  row.set = [set = std::move(row.set), member](Settings& settings, std::string_view text) {
    return set(settings, text) && member(settings) >= std::chrono::seconds(1);
  };
  return row;
}

}  // namespace

std::vector<Setting> metrics_rows() {
  return {
      seconds_or_more("metrics.refresh_interval", "Between looks at what containers use, and what is remembered of it",
                      [](Settings& s) -> auto& { return s.limits.metrics.step; }),
      seconds_or_more("metrics.history", "How far back what services used is remembered",
                      [](Settings& s) -> auto& { return s.limits.metrics.history; }),
      bytes("metrics.history_bytes", "What that may take; beyond it, the older half is dropped",
            [](Settings& s) -> auto& { return s.limits.metrics.history_bytes; }),
      number(
          "metrics.prometheus_services", "a whole number; 0 turns it off",
          "Services whose use GET /metrics shows, at most, in the order of their names",
          [](Settings& s) -> auto& { return s.services_in_metrics; }, {}, 0),
      count("metrics.parallel", "Containers that an engine is asked about at one time",
            [](Settings& s) -> auto& { return s.limits.metrics.parallel; }),
  };
}

}  // namespace rollcall
