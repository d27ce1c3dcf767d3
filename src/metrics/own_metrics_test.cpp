#include "metrics/own_metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rollcall {
namespace {

using ::testing::HasSubstr;

TEST(OwnMetrics, WritesOneFamilyForEachName) {
  OwnMetrics metrics;
  metrics.counter("http_requests_total", "Requests.", 3, {{"thread", "0"}});
  metrics.counter("http_requests_total", "Requests.", 4, {{"thread", "1"}});
  metrics.gauge("leases", "Leases.", 2);

  const auto text = metrics.text();

  EXPECT_THAT(text, HasSubstr("# HELP rollcall_http_requests_total Requests.\n"
                              "# TYPE rollcall_http_requests_total counter\n"
                              "rollcall_http_requests_total{thread=\"0\"} 3\n"
                              "rollcall_http_requests_total{thread=\"1\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE rollcall_leases gauge\nrollcall_leases 2\n"));
}

TEST(OwnMetrics, EscapesHostileLabels) {
  OwnMetrics metrics;
  metrics.gauge("up", "Up.", 1, {{"name", "a\"b\nc\\"}});
  EXPECT_THAT(metrics.text(), HasSubstr("name=\"a\\\"b\\nc\\\\\""));
}

TEST(OwnMetrics, KnowsItsProcess) {
  OwnMetrics metrics;
  metrics.add_process();
  EXPECT_THAT(metrics.text(), HasSubstr("process_resident_memory_bytes "));
  EXPECT_THAT(metrics.text(), HasSubstr("process_open_fds "));
}

}  // namespace
}  // namespace rollcall
