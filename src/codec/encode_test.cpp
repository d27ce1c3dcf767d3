#include <boost/json.hpp>

#include "codec/json.hpp"

namespace rollcall::codec {
namespace {

using namespace std::chrono_literals;

WallTime at_ms(std::int64_t ms) { return WallTime(std::chrono::milliseconds(ms)); }

Instance sample_instance() {
  Instance instance;
  instance.id = InstanceId("a-1");
  instance.spec.service = ServiceName("billing");
  instance.spec.address = "10.0.0.5";
  instance.spec.port = 8042;
  instance.spec.tags = {"eu", "v\"2"};
  instance.spec.metadata = {{"aet", "ORTHANC"}, {"zone", "x\n"}};
  instance.spec.lease = LeaseTerms{.ttl = 1500ms, .deregister_after = 60s};
  instance.spec.check = CheckSpec{.target = "10.0.0.5:8042"};
  instance.session = Session("not to be shown");
  instance.status_since = at_ms(1'700'000'000'007);
  instance.registered_at = at_ms(1'700'000'000'000);
  instance.created = Revision{3};
  instance.modified = Revision{9};
  return instance;
}

std::string encoded(const Instance& instance) {
  std::string out;
  append_instance(out, instance);
  return out;
}

TEST(AppendString, EscapesWhatJsonForbidsAndNothingElse) {
  using std::string_literals::operator""s;
  const auto text = "a\"b\\c\n\r\t\x01 Größe 日本 /\x7f\0"s;
  std::string out;
  append_string(out, text);
  EXPECT_EQ(out, "\"a\\\"b\\\\c\\n\\r\\t\\u0001 Größe 日本 /\x7f\\u0000\"");
  EXPECT_EQ(boost::json::parse(out).as_string(), text);
}

TEST(AppendInstance, ShowsEveryFieldButTheSession) {
  EXPECT_EQ(encoded(sample_instance()),
            R"({"id":"a-1","service":"billing","address":"10.0.0.5","port":8042,"tags":["eu","v\"2"],)"
            R"("metadata":{"aet":"ORTHANC","zone":"x\n"},"weight":1,"status":"passing","status_since":1700000000.007,)"
            R"("source":"api","ttl":1.5,"deregister_after":60,"check":{"tcp":"10.0.0.5:8042","interval":10,)"
            R"("timeout":5},"incarnation":1,"registered_at":1700000000.000,"created_revision":3,"revision":9})");
}

TEST(AppendInstance, LeavesOutWhatIsntThere) {
  auto instance = sample_instance();
  instance.spec.lease.reset();
  instance.spec.check.reset();
  const auto object = boost::json::parse(encoded(instance)).as_object();
  for (const auto* absent : {"ttl", "deregister_after", "check", "status_reason", "maintenance", "health", "session"}) {
    EXPECT_FALSE(object.contains(absent)) << absent;
  }
}

TEST(AppendInstance, MaintenanceHidesHealthButKeepsIt) {
  auto instance = sample_instance();
  instance.health = Status::critical;
  instance.status_reason = "no heartbeat for 30.2 s";
  EXPECT_NE(encoded(instance).find(R"("status":"critical","status_reason":"no heartbeat for 30.2 s")"),
            std::string::npos);
  instance.maintenance = std::string("new disk");
  EXPECT_NE(encoded(instance).find(R"("status":"maintenance","maintenance":"new disk","health":"critical",)"
                                   R"("status_reason":"no heartbeat for 30.2 s")"),
            std::string::npos);
}

std::string service_members(StatusCounts counts) {
  Service service;
  service.name = ServiceName("billing");
  service.revision = Revision{12};
  service.counts = counts;
  service.created_at = at_ms(1'700'000'000'900);
  service.updated_at = at_ms(1'700'000'060'100);
  std::string out = "{";
  append_service_members(out, service);
  return out + "}";
}

TEST(AppendServiceMembers, HasTheAutoscalersShapeAndLeavesItNoRoom) {
  EXPECT_EQ(service_members({.passing = 2, .warning = 0, .critical = 1}),
            R"({"id":"billing","name":"billing","labels":{},"current_replicas":3,"metric":"cpu",)"
            R"("thresholds":{"cpu":70.0,"memory":70.0},"min_replicas":3,"max_replicas":3,"created_at":1700000000,)"
            R"("updated_at":1700000060,"status":"warning",)"
            R"("instance_counts":{"passing":2,"warning":0,"critical":1,"maintenance":0},"revision":12})");
}

TEST(AppendServiceMembers, SumsUpTheStatus) {
  const auto status = [](StatusCounts counts) {
    return std::string(boost::json::parse(service_members(counts)).at("status").as_string());
  };
  EXPECT_EQ(status({.passing = 1}), "passing");
  EXPECT_EQ(status({.passing = 1, .maintenance = 1}), "passing");
  EXPECT_EQ(status({.warning = 1}), "warning");
  EXPECT_EQ(status({.passing = 1, .critical = 1}), "warning");
  EXPECT_EQ(status({.critical = 2}), "critical");
  EXPECT_EQ(status({.critical = 2, .maintenance = 1}), "critical");
  EXPECT_EQ(status({.maintenance = 2}), "maintenance");
}

Declaration web_declaration() {
  return {.native_id = "6aojhy4t",
          .labels = {{"autoscaler.enabled", "true"}, {"team", "imaging"}},
          .replicas = 3,
          .scaling = {.metric = ScalingMetric::memory,
                      .cpu_threshold = 62.5,
                      .memory_threshold = 100,
                      .min_replicas = 2,
                      .max_replicas = 9},
          .created_at = at_ms(1'600'000'000'999),
          .updated_at = at_ms(1'600'000'100'000)};
}

TEST(AppendServiceMembers, ShowsWhatAnOrchestratorDeclares) {
  Service service;
  service.name = ServiceName("web");
  service.revision = Revision{12};
  service.counts.passing = 1;
  service.declaration = web_declaration();
  std::string out = "{";
  append_service_members(out, service);
  EXPECT_EQ(out += '}',
            R"({"id":"6aojhy4t","name":"web","labels":{"autoscaler.enabled":"true","team":"imaging"},)"
            R"("current_replicas":3,"metric":"memory","thresholds":{"cpu":62.5,"memory":100.0},"min_replicas":2,)"
            R"("max_replicas":9,"created_at":1600000000,"updated_at":1600000100,"mode":"replicated",)"
            R"("status":"warning","instance_counts":{"passing":1,"warning":0,"critical":0,"maintenance":0},)"
            R"("revision":12})");
}

TEST(AppendEvent, TellsOfDeclarationsUnderNamesOfTheirOwn) {
  Instance record;
  record.id = InstanceId("swarm:service:6aojhy4t");
  record.spec.service = ServiceName("web");
  record.spec.declares = web_declaration();
  record.source = Source::swarm;
  record.created = record.modified = Revision{9};
  Event event;
  event.revision = Revision{9};
  event.instance = std::make_shared<Instance>(record);
  const auto shown = [&event](EventKind kind) {
    event.kind = kind;
    std::string out;
    append_event(out, event);
    return boost::json::parse(out);
  };
  const auto declared = shown(EventKind::updated);
  EXPECT_EQ(declared.at("kind").as_string(), "declared");
  EXPECT_FALSE(declared.as_object().contains("instance"));
  EXPECT_EQ(declared.at("declaration").at("record").as_string(), "swarm:service:6aojhy4t");
  EXPECT_EQ(declared.at("declaration").at("service").as_string(), "web");
  EXPECT_EQ(declared.at("declaration").at("source").as_string(), "swarm");
  EXPECT_EQ(shown(EventKind::removed).at("kind").as_string(), "withdrawn");
}

TEST(AppendEvent, CarriesItsCauseAndTheInstance) {
  Event event;
  event.revision = Revision{9};
  event.previous = Revision{3};
  event.at = at_ms(1'700'000'000'050);
  event.kind = EventKind::status_changed;
  event.cause = {.writer = "lease", .evidence = "no heartbeat for \"30\" s"};
  event.instance = std::make_shared<Instance>(sample_instance());
  std::string out;
  append_event(out, event);
  EXPECT_EQ(out, R"({"revision":9,"previous":3,"at":1700000000.050,"kind":"status_changed",)"
                 R"("cause":{"writer":"lease","evidence":"no heartbeat for \"30\" s"},"instance":)" +
                     encoded(sample_instance()) + "}");
}

TEST(AppendSampleMembers, SaysOnlyWhatIsKnown) {
  Sample sample;
  sample.first_seen = at_ms(1'000);
  sample.last_seen = at_ms(2'500);
  std::string out;
  append_sample_members(out, sample);
  EXPECT_EQ(out, R"(,"first_seen":1.000,"last_seen":2.500)");

  sample.response_time_ms = 1.23456;
  sample.orthanc.emplace().studies = 7;
  sample.orthanc->cpu_percent = std::numeric_limits<double>::infinity();
  out.clear();
  append_sample_members(out, sample);
  EXPECT_EQ(out, R"(,"first_seen":1.000,"last_seen":2.500,"response_time_ms":1.235,)"
                 R"("orthanc":{"studies":7,"cpu_percent":null})");

  sample.orthanc.emplace();
  out.clear();
  append_sample_members(out, sample);
  EXPECT_TRUE(out.ends_with(R"("orthanc":{})")) << out;
}

}  // namespace
}  // namespace rollcall::codec
