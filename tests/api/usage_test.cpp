// What services use, and what was discovered: the routes that an autoscaler reads.
#include "api_harness.hpp"

namespace rollcall::api {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;

void see(ApiHarness& daemon, const std::string& id, Source source, Metadata metadata = {},
         Status health = Status::passing) {
  Observe sighting;
  sighting.id = InstanceId(id);
  sighting.spec.service = ServiceName("web");
  sighting.spec.address = "10.0.0.5";
  sighting.spec.metadata = std::move(metadata);
  sighting.health = health;
  sighting.source = source;
  sighting.cause = {"test", "it is so"};
  daemon.observe(std::move(sighting));
}

Sample used(ApiHarness& daemon, double cpu, std::uint64_t memory) {
  Sample sample;
  sample.first_seen = sample.last_seen = daemon.clock().wall_now();
  sample.usage.emplace();
  sample.usage->cpu_percent = cpu;
  sample.usage->memory_bytes = memory;
  return sample;
}

TEST(Usage, IsTheMeanOverTheTasks) {
  ApiHarness daemon;
  see(daemon, "swarm:1", Source::swarm, {{"state", "running"}});
  see(daemon, "swarm:2", Source::swarm, {{"state", "running"}});
  see(daemon, "swarm:3", Source::swarm, {{"state", "starting"}}, Status::critical);
  auto first = used(daemon, 10, 100);
  first.usage->network_rx_bytes = 7;
  first.usage->block_write_bytes = 9;
  daemon.samples().put(InstanceId("swarm:1"), first);
  daemon.samples().put(InstanceId("swarm:2"), used(daemon, 50, 300));
  const auto reply = daemon.get("/services/web/metrics");
  EXPECT_EQ(reply.body,
            R"({"service_name":"web","metrics":{"cpu_pct":30.000,"memory_bytes":200,"window_seconds":60,)"
            R"("timestamp":1700000000,"source":"docker","network":{"rx_bytes":7},"block":{"write_bytes":9},)"
            R"("max":{"cpu_pct":50.000,"memory_bytes":300},"sum":{"cpu_pct":60.000,"memory_bytes":400},)"
            R"("tasks_sampled":2,"tasks_running":2,)"
            R"("tasks":[{"id":"swarm:1","cpu_pct":10.000,"memory_bytes":100,"network":{"rx_bytes":7},)"
            R"("block":{"write_bytes":9},"timestamp":1700000000.000},)"
            R"({"id":"swarm:2","cpu_pct":50.000,"memory_bytes":300,"timestamp":1700000000.000}]},)"
            R"("timestamp":1700000000})");
}

TEST(Usage, IsToldAsMissingInTheSeedsWords) {
  ApiHarness daemon;
  see(daemon, "swarm:1", Source::swarm);
  for (const auto* path : {"/services/web/metrics", "/services/nobody/metrics"}) {
    const auto reply = daemon.get(path);
    EXPECT_EQ(reply.status, 404U);
    EXPECT_EQ(reply.content_type, "application/problem+json");
    EXPECT_THAT(reply.body, HasSubstr(R"("error":"metrics not available"})"));
  }
}

TEST(Usage, CountsTheWindowThatIsAskedFor) {
  ApiHarness daemon;
  see(daemon, "swarm:1", Source::swarm);
  for (const double cpu : {10.0, 20.0, 60.0}) {
    daemon.samples().put(InstanceId("swarm:1"), used(daemon, cpu, 1));
    daemon.advance(60s);
  }
  EXPECT_THAT(daemon.get("/services/web/metrics").body, HasSubstr(R"("cpu_pct":60.000)"));
  EXPECT_THAT(daemon.get("/services/web/metrics?window=120").body, HasSubstr(R"("cpu_pct":40.000)"));
  EXPECT_THAT(daemon.get("/services/web/metrics?window=3600").body,
              AllOf(HasSubstr(R"("cpu_pct":30.000)"), HasSubstr(R"("window_seconds":3600)")));
}

TEST(Usage, OutlivesAShortWindowUntilTheNextSampleIsOverdue) {
  ApiHarness daemon;
  see(daemon, "swarm:1", Source::swarm);
  daemon.samples().put(InstanceId("swarm:1"), used(daemon, 10, 1));
  daemon.advance(124s);
  EXPECT_EQ(daemon.get("/services/web/metrics?window=5").status, 200U);
  daemon.advance(2s);
  EXPECT_EQ(daemon.get("/services/web/metrics?window=5").status, 404U);
}

TEST(Usage, LeavesOutTasksThatAreGoneButForThePlot) {
  ApiHarness daemon;
  see(daemon, "swarm:1", Source::swarm);
  see(daemon, "swarm:2", Source::swarm);
  daemon.samples().put(InstanceId("swarm:1"), used(daemon, 10, 1));
  daemon.samples().put(InstanceId("swarm:2"), used(daemon, 30, 1));
  daemon.registry().submit(Deregister{InstanceId("swarm:1"), Session(), Source::swarm, {"test", "it ended"}},
                           [](const Result<Outcome>&) {});
  daemon.settle();
  EXPECT_THAT(daemon.get("/services/web/metrics").body,
              AllOf(HasSubstr(R"("cpu_pct":30.000,"memory)"), HasSubstr(R"("tasks_running":1)"),
                    Not(HasSubstr("swarm:1")), Not(HasSubstr("points"))));
  EXPECT_THAT(
      daemon.get("/services/web/metrics?points=true").body,
      AllOf(HasSubstr(R"("points":[{"timestamp":1700000000.000,"cpu_pct":30.000,"memory_bytes":1}])"),
            HasSubstr(R"("points":[{"timestamp":1699999980.000,"cpu_pct":20.000,"memory_bytes":1,"tasks":2}])")));
}

TEST(Usage, OfOrthancServersIsWhatTheirProcessesUse) {
  ApiHarness daemon;
  see(daemon, "probe:1", Source::probe);
  Sample sample;
  sample.first_seen = sample.last_seen = daemon.clock().wall_now();
  sample.orthanc.emplace().cpu_percent = 12.5;
  daemon.samples().put(InstanceId("probe:1"), sample);
  EXPECT_EQ(daemon.get("/services/web/metrics").status, 404U);
  sample.orthanc->memory_bytes = 4'096;
  daemon.samples().put(InstanceId("probe:1"), sample);
  EXPECT_THAT(daemon.get("/services/web/metrics").body,
              HasSubstr(R"("cpu_pct":12.500,"memory_bytes":4096,"window_seconds":60,"timestamp":1700000000,)"
                        R"("source":"orthanc")"));
  EXPECT_THAT(daemon.post("/services/web/metrics").body, HasSubstr(R"(,"refreshed":false,)"));
}

TEST(Usage, NamesTheParameterAtFaultAndWhatIsAllowed) {
  ApiHarness daemon;
  for (const auto* query : {"window=0", "window=3601", "window=x", "points=yes", "windows=1"}) {
    const auto reply = daemon.get("/services/web/metrics?" + std::string(query));
    EXPECT_EQ(reply.status, 400U) << query;
  }
  EXPECT_THAT(daemon.get("/services/web/metrics?window=0").body,
              AllOf(HasSubstr("from 1 to 3600"), HasSubstr(R"("field":"window")")));
}

TEST(Usage, IsRefreshedBeforeItIsAnswered) {
  ApiHarness* running = nullptr;
  std::string asked;
  ApiHarness daemon({}, {.state = {}, .refresh = {}, .refresh_usage = [&](const ServiceName& service, auto done) {
                           asked = service.str();
                           running->samples().put(InstanceId("swarm:1"), used(*running, 75, 1));
                           done(true);
                         }});
  running = &daemon;
  see(daemon, "swarm:1", Source::swarm);
  EXPECT_THAT(daemon.post("/services/web/metrics").body,
              AllOf(HasSubstr(R"("cpu_pct":75.000)"), HasSubstr(R"(},"refreshed":true,"timestamp":1700000000})")));
  EXPECT_EQ(asked, "web");
}

TEST(Usage, DoesNotInviteAnAutoscalerToScaleWhatIsNotSwarms) {
  ApiHarness daemon;
  see(daemon, "probe:1", Source::probe);
  see(daemon, "probe:2", Source::probe);
  const auto body = daemon.get("/services/web").body;
  EXPECT_THAT(body, AllOf(HasSubstr(R"("current_replicas":2)"), HasSubstr(R"("min_replicas":2)"),
                          HasSubstr(R"("max_replicas":2)")));
}

TEST(Cache, IsAsFreshAsTheAnswerWhereNothingIsListed) {
  ApiHarness daemon;
  see(daemon, "probe:1", Source::probe);
  constexpr std::string_view kStats =
      R"("cache_stats":{"services_count":1,"metrics_count":0,"instances_count":1,"last_refresh":1700000000.000,)"
      R"("cache_version":1,"refresh_interval_sec":0},"timestamp":1700000000})";
  EXPECT_EQ(daemon.get("/cache/stats").body, "{" + std::string(kStats));
  EXPECT_EQ(daemon.post("/cache/refresh").body, R"({"message":"cache refreshed",)" + std::string(kStats));
  EXPECT_EQ(daemon.post("/cache/clear").body, R"({"message":"cache cleared","timestamp":1700000000})");
  EXPECT_EQ(daemon.get("/cache/stats?x=1").status, 400U);
}

TEST(Cache, SaysWhenTheLastListWasComplete) {
  DiscoveryState state{.last_refresh = {}, .refresh_interval = 30s};
  ApiHarness daemon({}, {.state = [&] { return state; }, .refresh = {}, .refresh_usage = {}});
  EXPECT_THAT(daemon.get("/cache/stats").body,
              AllOf(HasSubstr(R"("last_refresh":0.000)"), HasSubstr(R"("refresh_interval_sec":30})")));
  state.last_refresh = WallTime(1'699'999'999'250ms);
  for (const auto* path : {"/cache/stats", "/health", "/services"}) {
    EXPECT_THAT(daemon.get(path).body, HasSubstr(R"("last_refresh":1699999999.250)")) << path;
  }
}

TEST(Cache, AnswersWhenTheListIsDoneOrSaysWhyNot) {
  Result<void> outcome;
  ApiHarness daemon({}, {.state = {}, .refresh = [&](auto done) { done(outcome); }, .refresh_usage = {}});
  see(daemon, "probe:1", Source::probe);
  EXPECT_THAT(daemon.post("/cache/refresh").body, StartsWith(R"({"message":"cache refreshed","cache_stats":{)"));
  EXPECT_EQ(daemon.post("/cache/clear").status, 200U);
  EXPECT_THAT(daemon.get("/services").body, HasSubstr(R"("count":1)")) << "what others said stays";
  outcome = fail(ErrorCode::unavailable, "the engine doesn't answer");
  EXPECT_EQ(daemon.post("/cache/refresh").status, 503U);
  EXPECT_THAT(daemon.post("/cache/clear").body, HasSubstr("the engine doesn't answer"));
}

}  // namespace
}  // namespace rollcall::api
