#include "api_harness.hpp"

namespace rollcall::api {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

constexpr std::string_view kServer = R"({"name":"billing","id":"b-1","address":"10.0.0.5","port":8080})";

TEST(Seed002, WhoEntersIsFoundUnderBothNames) {
  ApiHarness daemon;
  const auto entered = daemon.post("/register", kServer);
  EXPECT_EQ(entered.status, 201U);
  EXPECT_EQ(entered.location, "/instances/b-1");
  EXPECT_THAT(entered.body, AllOf(HasSubstr(R"("service":"billing")"), HasSubstr(R"("address":"10.0.0.5")")));
  EXPECT_EQ(daemon.get("/details/b-1").body, daemon.get("/instances/b-1").body);
  EXPECT_EQ(daemon.get("/discover/billing").body, daemon.get("/services/billing/instances?status=passing").body);
  EXPECT_EQ(daemon.get("/discover/billing").etag, daemon.get("/services/billing").etag);
}

TEST(Seed002, EnteringAgainIsARenewalAndAnotherServicesIdAConflict) {
  ApiHarness daemon;
  daemon.post("/register", kServer);
  EXPECT_EQ(daemon.post("/register", kServer).status, 200U);
  EXPECT_EQ(daemon.put("/services/billing/instances/b-1", R"({"address":"10.0.0.5","port":8080})").status, 200U);
  EXPECT_THAT(daemon.get("/version").body, HasSubstr(R"("revision":1)"));
  EXPECT_EQ(daemon.post("/register", R"({"name":"mail","id":"b-1"})").status, 409U);
}

TEST(Seed002, WhoNamesNoIdOrAddressGetsThem) {
  ApiHarness daemon;
  const auto entered = daemon.post("/register", R"({"name":"billing"})");
  EXPECT_EQ(entered.status, 201U);
  EXPECT_THAT(entered.body, HasSubstr(R"("address":"10.9.9.9")"));
  EXPECT_EQ(entered.location.size(), std::string_view("/instances/").size() + 36);
}

TEST(Seed002, TheFieldAtFaultIsNamed) {
  ApiHarness daemon;
  const auto field = [&](std::string_view target, std::string_view body) {
    const auto reply = daemon.post(target, body);
    EXPECT_EQ(reply.status, 400U) << target << body;
    EXPECT_EQ(reply.content_type, "application/problem+json");
    return reply.body;
  };
  EXPECT_THAT(field("/register", R"({"port":80})"), HasSubstr(R"("field":"name")"));
  EXPECT_THAT(field("/register", R"({"name":"x","port":66554})"), HasSubstr(R"("field":"port")"));
  EXPECT_THAT(field("/register?now=1", kServer), HasSubstr(R"("field":"now")"));
  EXPECT_THAT(field("/heartbeat", "{}"), HasSubstr(R"("field":"id")"));
  EXPECT_THAT(field("/deregister", R"({"id":"b-1","name":"billing"})"), HasSubstr(R"("field":"name")"));
  EXPECT_THAT(daemon.get("/discover/billing?status=critical").body, HasSubstr(R"("field":"status")"));
}

TEST(Seed002, ChecksStayInsideTheAllowedNetworks) {
  ApiHarness daemon;
  EXPECT_EQ(daemon.post("/register", R"({"name":"x","check":{"tcp":"192.0.2.1:80"}})").status, 403U);
}

TEST(Seed002, HeartbeatsKeepAliveAndSilenceRemoves) {
  ApiHarness daemon;
  daemon.post("/register", R"({"name":"billing","id":"b-1","ttl":1,"session":"s"})");
  for (int i = 0; i < 5; ++i) {
    daemon.advance(900ms);
    ASSERT_EQ(daemon.post("/heartbeat", R"({"id":"b-1","session":"s"})").status, 204U);
  }
  EXPECT_EQ(daemon.post("/heartbeat", R"({"id":"b-1","session":"other"})").status, 409U);
  daemon.advance(1200ms);
  EXPECT_THAT(daemon.post("/heartbeat", R"({"id":"b-1"})").body, HasSubstr("register anew"));
  EXPECT_EQ(daemon.get("/discover/billing").status, 404U);
  EXPECT_EQ(daemon.get("/details/b-1").status, 404U);
}

TEST(Seed002, DiscoveryShowsWhoCanBeCalled) {
  ApiHarness daemon;
  daemon.post("/register", R"({"name":"billing","id":"b-1","tags":["eu"]})");
  daemon.post("/register", R"({"name":"billing","id":"b-2","ttl":1,"deregister_after":60})");
  daemon.post("/register", R"({"name":"billing","id":"b-3"})");
  EXPECT_THAT(daemon.get("/discover/billing").body, HasSubstr(R"("count":3)"));
  EXPECT_THAT(daemon.get("/discover/billing?tag=eu").body, AllOf(HasSubstr("b-1"), HasSubstr(R"("count":1)")));
  daemon.put("/instances/b-1/maintenance", R"({"enabled":true})");
  daemon.advance(1500ms);
  EXPECT_THAT(daemon.get("/discover/billing").body,
              AllOf(HasSubstr(R"("count":1)"), HasSubstr("b-3"), Not(HasSubstr("b-1")), Not(HasSubstr("b-2"))));
  // A heartbeat that brings it back waits for the commit.
  EXPECT_EQ(daemon.post("/heartbeat", R"({"id":"b-2"})").status, 204U);
  EXPECT_THAT(daemon.get("/discover/billing").body, HasSubstr("b-2"));
}

TEST(Seed002, WhoLeavesIsGoneAtOnce) {
  ApiHarness daemon;
  daemon.post("/register", R"({"name":"billing","id":"b-1","session":"new"})");
  EXPECT_EQ(daemon.post("/deregister", R"({"id":"b-1","session":"old"})").status, 409U);
  EXPECT_EQ(daemon.post("/deregister", R"({"id":"b-1","session":"new"})").status, 204U);
  EXPECT_EQ(daemon.get("/discover/billing").status, 404U);
  EXPECT_EQ(daemon.post("/deregister", R"({"id":"b-1"})").status, 404U);
  EXPECT_THAT(daemon.get("/instances/b-1/history?limit=1").body, HasSubstr(R"("evidence":"removed by 10.9.9.9")"));
}

TEST(Seed002, NothingChangesByGet) {
  ApiHarness daemon;
  for (const auto* target : {"/register", "/heartbeat", "/deregister"}) {
    EXPECT_EQ(daemon.get(target).status, 405U) << target;
    EXPECT_THAT(daemon.get(target).allow, HasSubstr("POST")) << target;
  }
}

}  // namespace
}  // namespace rollcall::api
