#include "api_harness.hpp"

namespace rollcall::api {
namespace {

using http::Method;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;

constexpr std::string_view kSpec = R"({"address":"10.0.0.5","port":8080})";

TEST(Registering, AnswersWhereTheInstanceIs) {
  ApiHarness daemon;
  const auto reply = daemon.post("/services/billing/instances", R"({"id":"a/b","port":80,"address":"10.0.0.5"})");
  EXPECT_EQ(reply.status, 201U);
  EXPECT_EQ(reply.location, "/instances/a%2Fb");
  EXPECT_THAT(reply.body, AllOf(HasSubstr(R"("service":"billing")"), HasSubstr(R"("revision":1)")));
  EXPECT_EQ(daemon.get(reply.location).status, 200U);
}

TEST(Registering, MakesUpAnIdAndTakesTheCallersAddress) {
  ApiHarness daemon;
  const auto reply = daemon.post("/services/billing/instances", "{}");
  EXPECT_EQ(reply.status, 201U);
  EXPECT_THAT(reply.body, HasSubstr(R"("address":"10.9.9.9")"));
  EXPECT_EQ(reply.location.size(), std::string_view("/instances/").size() + 36);
}

TEST(Registering, PutTellsNewFromOld) {
  ApiHarness daemon;
  EXPECT_EQ(daemon.put("/services/db/instances/1", kSpec).status, 201U);
  const auto again = daemon.put("/services/db/instances/1", kSpec);
  EXPECT_EQ(again.status, 200U);
  EXPECT_TRUE(again.location.empty());
}

TEST(Registering, AnotherIdInTheBodyIsAtFault) {
  ApiHarness daemon;
  const auto reply = daemon.put("/services/db/instances/1", R"({"id":"2"})");
  EXPECT_EQ(reply.status, 400U);
  EXPECT_THAT(reply.body, HasSubstr(R"("field":"id")"));
}

TEST(Registering, ChecksStayInsideTheAllowedNetworks) {
  ApiHarness daemon;
  EXPECT_EQ(daemon.post("/services/x/instances", R"({"check":{"tcp":"10.0.0.5:80"}})").status, 201U);
  EXPECT_EQ(daemon.post("/services/x/instances", R"({"check":{"tcp":"192.0.2.1:80"}})").status, 403U);
}

TEST(Registering, SaysWhenTheStoreCantWrite) {
  ApiHarness daemon;
  daemon.put("/services/db/instances/1", kSpec);
  daemon.fail_writes(true);
  const auto refused = daemon.put("/services/db/instances/2", kSpec);
  EXPECT_EQ(refused.status, 503U);
  EXPECT_GT(refused.retry_after_s, 0U);
  EXPECT_THAT(refused.body, HasSubstr("problem:unavailable"));
  const auto health = daemon.get("/health");
  EXPECT_EQ(health.status, 503U);
  EXPECT_THAT(health.body, AllOf(HasSubstr(R"("status":"unavailable")"), HasSubstr("the disk is full")));
  EXPECT_EQ(daemon.put("/instances/1/heartbeat").status, 204U);
  EXPECT_EQ(daemon.get("/services/db").status, 200U);

  daemon.fail_writes(false);
  daemon.advance(2s);
  EXPECT_EQ(daemon.put("/services/db/instances/2", kSpec).status, 201U);
  EXPECT_EQ(daemon.get("/health").status, 200U);
}

TEST(Heartbeats, KeepAliveAndTellTheUnknownToRegister) {
  ApiHarness daemon;
  daemon.put("/services/db/instances/1", R"({"ttl":1,"session":"s"})");
  for (int i = 0; i < 5; ++i) {
    daemon.advance(900ms);
    ASSERT_EQ(daemon.put("/instances/1/heartbeat").status, 204U);
  }
  EXPECT_EQ(daemon.put("/instances/1/heartbeat", R"({"session":"other"})").status, 409U);
  daemon.advance(1200ms);
  const auto late = daemon.put("/instances/1/heartbeat");
  EXPECT_EQ(late.status, 404U);
  EXPECT_THAT(late.body, HasSubstr("register anew"));
  EXPECT_THAT(daemon.get("/instances/1/history").body,
              HasSubstr(R"("cause":{"writer":"lease","evidence":"no heartbeat)"));
}

TEST(Heartbeats, OfACriticalInstanceWaitForTheCommitThatBringsItBack) {
  ApiHarness daemon;
  daemon.put("/services/db/instances/1", R"({"ttl":1,"deregister_after":60})");
  daemon.put("/services/db/instances/2", R"({"ttl":60})");
  daemon.advance(1500ms);
  ASSERT_THAT(daemon.get("/instances/1").body, HasSubstr(R"("status":"critical")"));
  const auto many = daemon.post("/heartbeats", R"({"ids":["1","2","3"]})");
  EXPECT_EQ(many.body, R"({"ok":2,"unknown":["3"],"stale":[]})");
  EXPECT_THAT(daemon.get("/instances/1").body, HasSubstr(R"("status":"passing")"));
}

TEST(Heartbeats, SayWhichCouldntBeDecided) {
  ApiHarness daemon;
  daemon.put("/services/db/instances/1", R"({"ttl":1,"deregister_after":60})");
  daemon.advance(1500ms);
  daemon.fail_writes(true);
  EXPECT_THAT(daemon.post("/heartbeats", R"({"ids":["1"]})").body, HasSubstr(R"("undecided":["1"])"));
}

TEST(Reading, AServiceIsItsEntryAndItsInstances) {
  ApiHarness daemon;
  daemon.put("/services/db/instances/1", kSpec);
  daemon.put("/services/db/instances/2", kSpec);
  const auto reply = daemon.get("/services/db");
  EXPECT_THAT(reply.body, StartsWith(R"({"service":{"id":"db","name":"db")"));
  EXPECT_THAT(reply.body, AllOf(HasSubstr(R"("instances":[{"id":"1")"), HasSubstr(R"({"id":"2")"),
                                HasSubstr(R"(}]},"timestamp":1700000000})")));
  EXPECT_EQ(reply.etag, R"(W/"1-2")");
}

TEST(Reading, AnUnknownServiceIsToldInTheSeedsWords) {
  ApiHarness daemon;
  const auto reply = daemon.get("/services/nobody");
  EXPECT_EQ(reply.status, 404U);
  EXPECT_EQ(reply.content_type, "application/problem+json");
  EXPECT_THAT(reply.body, HasSubstr(R"("error":"service not found"})"));
}

TEST(Reading, FiltersNarrowAndAreChecked) {
  ApiHarness daemon;
  daemon.put("/services/db/instances/1", R"({"tags":["eu"]})");
  daemon.put("/services/db/instances/2", R"({"tags":["us"]})");
  EXPECT_THAT(daemon.get("/services/db/instances?tag=us").body,
              AllOf(HasSubstr(R"("count":1)"), HasSubstr(R"("id":"2")"), Not(HasSubstr(R"("id":"1")"))));
  EXPECT_THAT(daemon.get("/services/db/instances").body, HasSubstr(R"("count":2)"));
  EXPECT_THAT(daemon.get("/services/db/instances?tga=us").body, HasSubstr(R"("field":"tga")"));
  EXPECT_THAT(daemon.get("/services/db/instances?status=up").body, HasSubstr(R"("field":"status")"));
}

Observe declaring(std::string service, std::uint32_t replicas) {
  Observe seen;
  seen.id = InstanceId("swarm:service:" + service);
  seen.source = Source::swarm;
  seen.cause = {"swarm", "listed"};
  seen.spec.service = ServiceName(service);
  auto& declaration = seen.spec.declares.emplace();
  declaration.native_id = "6aojhy4t";
  declaration.replicas = replicas;
  declaration.scaling.max_replicas = 4;
  return seen;
}

TEST(Declarations, AreServicesAndNoInstances) {
  ApiHarness daemon;
  daemon.observe(declaring("web", 0));
  EXPECT_THAT(daemon.get("/services").body,
              AllOf(HasSubstr(R"("id":"6aojhy4t","name":"web")"), HasSubstr(R"("count":1,"instances":0)")));
  const auto service = daemon.get("/services/web");
  EXPECT_THAT(service.body, AllOf(HasSubstr(R"("current_replicas":0)"), HasSubstr(R"("max_replicas":4)"),
                                  HasSubstr(R"("instances":[])"), HasSubstr(R"("status":"passing")")));
  EXPECT_EQ(daemon.get("/services/web/instances").status, 200U);
  EXPECT_EQ(daemon.get("/instances/swarm:service:web").status, 404U);
  EXPECT_EQ(daemon.put("/instances/swarm:service:web/maintenance", R"({"enabled":true})").status, 404U);

  daemon.observe(declaring("web", 2));
  EXPECT_NE(daemon.get("/services/web").etag, service.etag);
  EXPECT_THAT(daemon.get("/services/web").body, HasSubstr(R"("status":"critical")"));
  EXPECT_THAT(daemon.get("/history?service=web").body,
              AllOf(HasSubstr(R"("kind":"declared")"), HasSubstr(R"("record":"swarm:service:web")")));
}

TEST(Declarations, ARemarkIsAnEventThatChangesNothingElse) {
  ApiHarness daemon;
  daemon.observe(declaring("web", 2));
  EXPECT_EQ(daemon.post("/services/web/remarks", R"({"text":"autoscale: cpu 91.0 % is above 70 %"})").status, 204U);
  EXPECT_THAT(daemon.get("/history?service=web&limit=1").body,
              AllOf(HasSubstr(R"("writer":"operator","evidence":"autoscale: cpu 91.0 % is above 70 %")"),
                    HasSubstr(R"("current_replicas":2)")));
  EXPECT_THAT(daemon.get("/services/web").body, HasSubstr(R"("current_replicas":2)"));

  daemon.put("/services/db/instances/1", kSpec);
  EXPECT_EQ(daemon.post("/services/db/remarks", R"({"text":"x"})").status, 409U);
  EXPECT_EQ(daemon.post("/services/none/remarks", R"({"text":"x"})").status, 404U);
  EXPECT_THAT(daemon.post("/services/web/remarks", R"({"text":""})").body, HasSubstr(R"("field":"text")"));
}

TEST(Reading, SamplesAreJoinedAndNoPartOfTheTag) {
  ApiHarness daemon;
  daemon.put("/services/db/instances/1", kSpec);
  const auto before = daemon.get("/services/db").etag;
  daemon.samples().put(InstanceId("1"),
                       {.first_seen = {}, .last_seen = {}, .response_time_ms = 2.5, .orthanc = {}, .usage = {}});
  EXPECT_THAT(daemon.get("/instances/1").body,
              AllOf(HasSubstr(R"("response_time_ms":2.5)"), HasSubstr(R"("last_heartbeat":{"seconds_ago":0.000)")));
  EXPECT_EQ(daemon.get("/services/db").etag, before);
}

TEST(Removing, AsksForTheLivingSession) {
  ApiHarness daemon;
  daemon.put("/services/db/instances/1", R"({"session":"new"})");
  EXPECT_EQ(daemon.ask(Method::delete_, "/instances/1?session=old").status, 409U);
  EXPECT_EQ(daemon.ask(Method::delete_, "/instances/1?session=new").status, 204U);
  EXPECT_EQ(daemon.ask(Method::delete_, "/instances/1").status, 404U);
  EXPECT_THAT(daemon.get("/history?service=db&limit=1").body,
              AllOf(HasSubstr(R"("evidence":"removed by 10.9.9.9")"), HasSubstr(R"("resume":2)")));
}

TEST(History, NamesTheParameterAtFault) {
  ApiHarness daemon;
  for (const auto* query : {"limit=0", "after=x", "before=-1", "since=nan", "until=1e12", "order=up", "servic=x"}) {
    const std::string field(query, std::string_view(query).find('='));
    const auto reply = daemon.get("/history?" + std::string(query));
    EXPECT_EQ(reply.status, 400U) << query;
    EXPECT_THAT(reply.body, HasSubstr(R"("field":")" + field)) << query;
  }
}

Observe orthanc(std::string id, Status health, Metadata metadata) {
  Observe sighting;
  sighting.id = InstanceId(std::move(id));
  sighting.spec.service = ServiceName("orthanc");
  sighting.spec.address = "127.0.0.1";
  sighting.spec.port = 8042;
  sighting.spec.metadata = std::move(metadata);
  sighting.health = health;
  sighting.cause = {"probe", "connect to 127.0.0.1:8042 refused"};
  return sighting;
}

TEST(ServersJson, HasTheDashboardsShape) {
  ApiHarness daemon;
  daemon.put("/services/orthanc/instances/pretender", kSpec);
  daemon.observe(orthanc("p1", Status::passing,
                         {{"aet", "ONE"},
                          {"dicom_port", "4242"},
                          {"name", "first"},
                          {"plugins", "dicom-web, gdcm"},
                          {"version", "1.10.1"},
                          {"web_port", "8042"}}));
  Sample sample;
  sample.orthanc.emplace().studies = 7;
  daemon.samples().put(InstanceId("p1"), sample);
  const auto reply = daemon.get("/servers.json");
  EXPECT_THAT(reply.body,
              StartsWith(R"({"127.0.0.1:4242":{"id":"p1","host":"127.0.0.1","dicom_port":4242,"web_port":8042,)"
                         R"("name":"first","aet":"ONE","version":"1.10.1","locked":false,)"
                         R"("plugins":["dicom-web","gdcm"],"first_seen":)"));
  EXPECT_THAT(reply.body, AllOf(HasSubstr(R"("status":"online")"), HasSubstr(R"("counts":{"studies":7})"),
                                Not(HasSubstr("pretender"))));
}

TEST(ServersJson, AnOfflineServerSaysWhyAndGivesWayToItsSuccessor) {
  ApiHarness daemon;
  daemon.observe(orthanc("old", Status::critical, {{"dicom_port", "4242"}}));
  EXPECT_THAT(daemon.get("/servers.json").body,
              AllOf(HasSubstr(R"("status":"offline")"), HasSubstr(R"("reason":"connect to 127.0.0.1:8042 refused")")));
  daemon.observe(orthanc("new", Status::passing, {{"dicom_port", "4242"}}));
  EXPECT_THAT(daemon.get("/servers.json").body, AllOf(HasSubstr(R"("id":"new")"), Not(HasSubstr(R"("id":"old")"))));
}

TEST(Page, IsForBrowsersAlone) {
  ApiHarness daemon;
  EXPECT_THAT(daemon.ask(Method::get, "/", {}, "text/html,*/*").body, StartsWith("<!doctype html>"));
  EXPECT_THAT(daemon.get("/").body, HasSubstr(R"("service":"service-registry")"));
  EXPECT_THAT(daemon.get("/assets/dashboard.js").content_type, StartsWith("text/javascript"));
}

TEST(Self, CountsAndNamesItself) {
  ApiHarness daemon;
  EXPECT_THAT(daemon.get("/health").body, HasSubstr(R"("status":"degraded")"));
  daemon.put("/services/db/instances/1", kSpec);
  EXPECT_THAT(daemon.get("/health").body, HasSubstr(R"("status":"healthy")"));
  EXPECT_THAT(daemon.get("/metrics").body,
              AllOf(HasSubstr("rollcall_changes_total 1\n"), HasSubstr("rollcall_leases 1\n")));
  EXPECT_EQ(daemon.get("/version").body, R"({"name":"rollcall","version":"9.9.9","generation":1,"revision":1})");
}

}  // namespace
}  // namespace rollcall::api
