#include <fmt/format.h>

#include "codec/json.hpp"

namespace rollcall::codec {
namespace {

using namespace std::chrono_literals;

Result<RegistrationBody> decode(std::string_view json) {
  return decode_registration(json, ServiceName("billing"), ModelLimits{});
}

/// "field: message" of the refusal.
std::string refusal(std::string_view json) {
  const auto result = decode(json);
  if (result) return "accepted";
  EXPECT_EQ(result.error().code, ErrorCode::invalid);
  return result.error().field + ": " + result.error().message;
}

TEST(DecodeRegistration, TakesAnEmptyObjectAndFillsInDefaults) {
  const auto body = decode("{}");
  ASSERT_TRUE(body);
  EXPECT_FALSE(body->id);
  EXPECT_TRUE(body->session.empty());
  EXPECT_EQ(body->spec.service, ServiceName("billing"));
  EXPECT_EQ(body->spec.port, 0);
  EXPECT_EQ(body->spec.weight, 1U);
  EXPECT_EQ(body->spec.lease, (LeaseTerms{.ttl = 30s, .deregister_after = 0s}));
  EXPECT_FALSE(body->spec.check);
}

TEST(DecodeRegistration, TakesEveryField) {
  const auto good = decode(R"( {"id":"a-1","address":"10.0.0.5","port":8042,"tags":["b","a\u00e9"],
    "metadata":{"z":"1","k":"2"},"weight":5,"ttl":12.5,"deregister_after":"1m","session":"s",
    "check":{"http":"http://10.0.0.5:8042/system","interval":2,"timeout":"500ms"}} )");
  ASSERT_TRUE(good) << good.error().field << good.error().message;
  EXPECT_EQ(good->id, InstanceId("a-1"));
  EXPECT_EQ(good->session, Session("s"));
  EXPECT_EQ(good->spec.tags, (std::vector<std::string>{"b", "aé"}));
  EXPECT_EQ(good->spec.metadata, (Metadata{{"k", "2"}, {"z", "1"}}));
  EXPECT_EQ(good->spec.lease, (LeaseTerms{.ttl = 12'500ms, .deregister_after = 60s}));
  ASSERT_TRUE(good->spec.check);
  EXPECT_EQ(good->spec.check->kind, CheckSpec::Kind::http);
  EXPECT_EQ(good->spec.check->target, "http://10.0.0.5:8042/system");
  EXPECT_EQ(good->spec.check->interval, 2s);
  EXPECT_EQ(good->spec.check->timeout, 500ms);
}

TEST(DecodeRegistration, TtlMayBeNullOrSayItsUnit) {
  const auto ttl = [](std::string_view value) {
    return decode(fmt::format(R"({{"ttl":{}}})", value))->spec.lease->ttl;
  };
  EXPECT_EQ(ttl("null"), 30s);
  EXPECT_EQ(ttl("1"), 1s);
  EXPECT_EQ(ttl(R"("30s")"), 30s);
  EXPECT_EQ(ttl(R"("1.5m")"), 90s);
  EXPECT_EQ(ttl(R"("1500ms")"), 1500ms);
  EXPECT_EQ(ttl(R"("1h")"), 1h);
}

TEST(DecodeRegistration, NamesTheFieldAndWhatIsAllowed) {
  EXPECT_EQ(refusal(R"({"port":0})"), "port: is 0; allowed are integers from 1 to 65535");
  EXPECT_EQ(refusal(R"({"port":65536})"), "port: is 65536; allowed are integers from 1 to 65535");
  EXPECT_EQ(refusal(R"({"port":80.5})"), "port: is 80.5; allowed are integers from 1 to 65535");
  EXPECT_EQ(refusal(R"({"port":99999999999999999999999})"), "port: is 1e+23; allowed are integers from 1 to 65535");
  EXPECT_EQ(refusal(R"({"port":"80"})"), "port: is a string; allowed is an integer from 1 to 65535");
  EXPECT_EQ(refusal(R"({"weight":-1})"), "weight: is -1; allowed are integers from 0 to 65535");
  EXPECT_EQ(refusal(R"({"id":""})"), "id: has 0 bytes; allowed are 1 to 255");
  EXPECT_EQ(refusal(R"({"id":"a\u0000b"})"), "id: has a control character");
  EXPECT_EQ(refusal(R"({"ttl":0.5})"), "ttl: is 0.5 s; allowed are 1 to 3600 s");
  EXPECT_EQ(refusal(R"({"ttl":1e300})"), "ttl: is out of range; allowed are 0 to 1000000000 s");
  EXPECT_EQ(refusal(R"({"ttl":"soon"})"),
            R"(ttl: is not a duration; allowed is a number of seconds, or a string such as "30s" or "1m")");
  EXPECT_EQ(refusal(R"({"ttl":true})"),
            R"(ttl: is a boolean; allowed is a number of seconds, or a string such as "30s" or "1m")");
  EXPECT_EQ(refusal(R"({"tags":"a"})"), "tags: is a string; allowed is an array of strings");
  EXPECT_EQ(refusal(R"({"tags":["a","b","c",4]})"), "tags[3]: is an integer; allowed is a string");
  EXPECT_EQ(refusal(R"({"tags":["a","a"]})"), "tags[1]: is there twice");
  EXPECT_EQ(refusal(R"({"metadata":{"key":null}})"), "metadata.key: is null; allowed is a string");
  EXPECT_EQ(refusal(R"({"metadata":{"key":"1","key":"1"}})"), "metadata.key: is there twice");
  EXPECT_EQ(refusal(R"({"port":80,"port":80})"), "port: is there twice");
  EXPECT_EQ(refusal(R"({"Port":80})"),
            "Port: is not a known field; known are id, address, port, tags, metadata, weight, ttl, deregister_after, "
            "session, check");
}

TEST(DecodeRegistration, JudgesChecks) {
  EXPECT_EQ(refusal(R"({"check":{}})"), "check: needs either tcp or http");
  EXPECT_EQ(refusal(R"({"check":{"tcp":"a:1","http":"http://a"}})"), "check: needs either tcp or http");
  EXPECT_EQ(refusal(R"({"check":{"tcp":"a:1","interval":0}})"), "check.interval: is 0 s; allowed are 1 to 3600 s");
  EXPECT_EQ(refusal(R"({"check":{"tcp":"a:1","interval":[]}})").substr(0, 27), "check.interval: is an array");
  EXPECT_EQ(refusal(R"({"check":{"tcp":"a:1","every":1}})"),
            "check.every: is not a known field; known are tcp, http, interval, timeout");
  for (const auto* bad : {"a", ":1", "a:0", "a:65536", "a:1x", "[]:1", "[::1]", "a b:1", "u@a:1"}) {
    EXPECT_TRUE(refusal(fmt::format(R"({{"check":{{"tcp":"{}"}}}})", bad)).starts_with("check.tcp:")) << bad;
  }
  for (const auto* bad :
       {"https://a", "http://", "http://u:p@a/", "http://a:x/", "http://a/ b", "http://a/\\r\\nX: 1"}) {
    EXPECT_TRUE(refusal(fmt::format(R"({{"check":{{"http":"{}"}}}})", bad)).starts_with("check.http:")) << bad;
  }
  EXPECT_EQ(decode(R"({"check":{"tcp":"[::1]:80","interval":1}})")->spec.check->timeout, 1s);
  EXPECT_TRUE(decode(R"({"check":{"http":"http://[::1]:80/x?y=1"}})"));
}

TEST(DecodeRegistration, RefusesWhatIsNotStrictJson) {
  for (const auto* bad :
       {"", " ", "{", "[]", "null", "{} x", "{'a':1}", "{\"port\":080}", "{\"port\":1,}", "\xEF\xBB\xBF{}",
        "{\"id\":\"\xFF\"}", "{\"id\":\"\xED\xA0\x80\"}", "{\"id\":\"\\ud800\"}", "{\"id\":\"a\nb\"}"}) {
    EXPECT_TRUE(refusal(bad).starts_with(": the body ")) << bad << " -> " << refusal(bad);
  }
  EXPECT_EQ(refusal(R"({"tags":[[[[[[[[[[1]]]]]]]]]]})"), ": the body nests deeper than 8 levels");
  EXPECT_TRUE(refusal(std::string(100'000, '[')).starts_with(": the body nests"));
}

TEST(DecodeRegistration, IsBoundedInWhatItHolds) {
  const auto list = [](std::size_t n) {
    std::string json = R"({"tags":["0")";
    for (std::size_t i = 1; i < n; ++i) json += fmt::format(R"(,"{}")", i);
    return json + "]}";
  };
  EXPECT_EQ(refusal(list(64)), "accepted");
  EXPECT_EQ(refusal(list(65)), "tags: has too many entries; allowed are 64");
  EXPECT_EQ(refusal(list(10'000)), ": the body has more than 320 JSON values");
  // A member's name that a client made long is cut in the answer, between characters.
  std::string key;
  for (int i = 0; i < 1000; ++i) key += "é";
  const auto error = decode(R"({"x)" + key + R"(":1})").error();
  EXPECT_LE(error.field.size(), 131U);
  EXPECT_TRUE(error.field.ends_with("é..."));
}

TEST(DecodeRegistration, EveryPrefixOfABodyIsRefused) {
  const std::string body = R"({"id":"a\u00e9\"1","port":80,"tags":["x"],"metadata":{"k":"v"},"ttl":1.5e1})";
  ASSERT_TRUE(decode(body));
  for (std::size_t n = 0; n < body.size(); ++n) EXPECT_FALSE(decode(std::string_view(body).substr(0, n))) << n;
}

TEST(DecodeHeartbeat, HasAnOptionalSession) {
  const ModelLimits limits;
  EXPECT_TRUE(decode_heartbeat("", limits)->session.empty());
  EXPECT_TRUE(decode_heartbeat("{}", limits)->session.empty());
  EXPECT_EQ(decode_heartbeat(R"({"session":"s"})", limits)->session, Session("s"));
  EXPECT_EQ(decode_heartbeat(R"({"session":1})", limits).error().field, "session");
  EXPECT_EQ(decode_heartbeat(R"({"id":"x"})", limits).error().field, "id");
}

TEST(DecodeHeartbeats, ListsIdsUpToABound) {
  const ModelLimits limits;
  EXPECT_EQ(*decode_heartbeats(R"({"ids":["a","b\n"]})", limits, 2), (std::vector<std::string>{"a", "b\n"}));
  EXPECT_TRUE(decode_heartbeats(R"({"ids":[]})", limits, 2)->empty());
  EXPECT_EQ(decode_heartbeats(R"({"ids":["a","b","c"]})", limits, 2).error().field, "ids");
  EXPECT_EQ(decode_heartbeats(R"({"ids":["a",2]})", limits, 2).error().field, "ids[1]");
  EXPECT_EQ(decode_heartbeats(R"({})", limits, 2).error().field, "ids");
}

TEST(DecodeMaintenance, NeedsToKnowWhichWay) {
  const ModelLimits limits;
  const auto on = decode_maintenance(R"({"enabled":true,"reason":"new disk"})", limits);
  ASSERT_TRUE(on);
  EXPECT_TRUE(on->on);
  EXPECT_EQ(on->reason, "new disk");
  EXPECT_FALSE(decode_maintenance(R"({"enabled":false})", limits)->on);
  EXPECT_EQ(decode_maintenance(R"({"reason":"x"})", limits).error().field, "enabled");
  EXPECT_EQ(decode_maintenance(R"({"enabled":1})", limits).error().field, "enabled");
  EXPECT_EQ(decode_maintenance(R"({"enabled":true,"reason":"a\nb"})", limits).error().field, "reason");
}

TEST(DecodeNamedRegistration, NamesItsServiceItself) {
  const auto body = decode_named_registration(R"({"name":"billing","id":"a-1","port":80})", ModelLimits{});
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(body->spec.service, ServiceName("billing"));
  EXPECT_EQ(body->id, InstanceId("a-1"));
  EXPECT_EQ(refusal(R"({"name":"billing"})").substr(0, 26), "name: is not a known field");
}

TEST(DecodeNamedRegistration, NeedsAName) {
  for (const auto* json : {R"({"port":80})", R"({"name":""})", R"({"name":5})", R"({"name":"a","name":"b"})"}) {
    const auto body = decode_named_registration(json, ModelLimits{});
    ASSERT_FALSE(body) << json;
    EXPECT_EQ(body.error().field, "name") << json;
  }
}

TEST(DecodeInstanceCall, NeedsAnIdAndMayHaveASession) {
  const auto call = decode_instance_call(R"({"id":"a-1","session":"s"})", ModelLimits{});
  ASSERT_TRUE(call);
  EXPECT_EQ(call->id, InstanceId("a-1"));
  EXPECT_EQ(call->session, Session("s"));
  EXPECT_TRUE(decode_instance_call(R"({"id":"a-1"})", ModelLimits{})->session.empty());
  const std::pair<const char*, const char*> refused[]{
      {"{}", "id"}, {R"({"id":""})", "id"}, {R"({"id":"a","session":1})", "session"}, {R"({"id":"a","x":1})", "x"}};
  for (const auto& [json, field] : refused) {
    const auto bad = decode_instance_call(json, ModelLimits{});
    ASSERT_FALSE(bad) << json;
    EXPECT_EQ(bad.error().field, field) << json;
  }
}

}  // namespace
}  // namespace rollcall::codec
