// What a client registers comes back in the encoded instance as it was, whatever it holds.
#include <rapidcheck.h>

#include <boost/json.hpp>

#include "codec/json.hpp"
#include "model/validate.hpp"

namespace rollcall::codec {
namespace {

std::string utf8_of(const std::vector<std::uint32_t>& points) {
  std::string out;
  for (const auto seed : points) {
    const auto point = seed % 0x11000;  // beyond the first plane as well
    if (point >= 0xD800 && point < 0xE000) continue;
    if (point < 0x80) {
      out += static_cast<char>(point);
    } else if (point < 0x800) {
      out += static_cast<char>(0xC0 | (point >> 6));
      out += static_cast<char>(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
      out += static_cast<char>(0xE0 | (point >> 12));
      out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
      out += static_cast<char>(0x80 | (point & 0x3F));
    } else {
      out += static_cast<char>(0xF0 | (point >> 18));
      out += static_cast<char>(0x80 | ((point >> 12) & 0x3F));
      out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
      out += static_cast<char>(0x80 | (point & 0x3F));
    }
  }
  return out;
}

std::string any_text() {
  const auto points = *rc::gen::container<std::vector<std::uint32_t>>(
      rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(0, 128), rc::gen::inRange<std::uint32_t>(0, 0x11000)));
  return utf8_of(points);
}

InstanceSpec any_spec() {
  InstanceSpec spec;
  spec.service = ServiceName("billing");
  spec.address = "h" + std::to_string(*rc::gen::inRange(0, 1000));
  spec.port = *rc::gen::inRange<std::uint16_t>(1, 65535);
  spec.weight = *rc::gen::inRange<std::uint32_t>(0, 65536);
  for (int i = *rc::gen::inRange(0, 5); i > 0; --i) spec.tags.push_back(std::to_string(i) + any_text());
  for (int i = 0, n = *rc::gen::inRange(0, 5); i < n; ++i) {
    spec.metadata.emplace_back(std::to_string(i), any_text());
  }
  using std::chrono::milliseconds;
  spec.lease = LeaseTerms{.ttl = milliseconds(*rc::gen::inRange(1'000, 3'600'001)),
                          .deregister_after = milliseconds(*rc::gen::inRange(0, 600'000'000))};
  if (*rc::gen::arbitrary<bool>()) {
    const auto interval = milliseconds(*rc::gen::inRange(1'000, 3'600'001));
    spec.check = CheckSpec{.kind = CheckSpec::Kind::http,
                           .target = "http://h/\"\\",
                           .interval = interval,
                           .timeout = milliseconds(*rc::gen::inRange(1, static_cast<int>(interval.count()) + 1))};
  }
  return spec;
}

/// The members of an encoded instance that a registration has as well.
std::string body_of(const boost::json::object& shown) {
  boost::json::object body;
  for (const auto* name : {"id", "address", "port", "tags", "metadata", "weight", "ttl", "deregister_after", "check"}) {
    if (const auto* value = shown.if_contains(name)) body[name] = *value;
  }
  return boost::json::serialize(body);
}

TEST(Roundtrip, WhatWasRegisteredIsShown) {
  EXPECT_TRUE(rc::check([] {
    Instance instance;
    instance.id = InstanceId("a-1");
    instance.spec = any_spec();
    RC_PRE(validate(instance.spec, ModelLimits{}).has_value());
    std::string shown;
    append_instance(shown, instance);
    const auto body =
        decode_registration(body_of(boost::json::parse(shown).as_object()), ServiceName("billing"), ModelLimits{});
    RC_ASSERT(body.has_value());
    RC_ASSERT(body->id == instance.id);
    RC_ASSERT(body->spec == instance.spec);
  }));
}

TEST(Roundtrip, EveryTextComesBack) {
  EXPECT_TRUE(rc::check([] {
    const auto text = any_text();
    std::string json = R"({"ids":[)";
    append_string(json, text);
    json += "]}";
    const auto ids = decode_heartbeats(json, ModelLimits{}, 1);
    RC_ASSERT(ids.has_value());
    RC_ASSERT(ids->front() == text);
  }));
}

TEST(Roundtrip, IdsAreFoundInAListOfInstances) {
  Instance instance;
  std::string json = "[";
  for (const auto* id : {"a", "b\"\n", "\xF0\x9F\xA6\x84"}) {
    instance.id = InstanceId(id);
    instance.spec.metadata = {{"id", "not this one"}};
    if (json.size() > 1) json += ',';
    append_instance(json, instance);
  }
  EXPECT_THAT(decode_instance_ids(json + ']').value(), ::testing::ElementsAre("a", "b\"\n", "\xF0\x9F\xA6\x84"));
  EXPECT_TRUE(decode_instance_ids("[]").value().empty());
  EXPECT_FALSE(decode_instance_ids("{}").has_value());
}

TEST(Roundtrip, NoBytesBringTheDecoderDown) {
  EXPECT_TRUE(rc::check([](const std::string& junk) {
    static_cast<void>(decode_registration(junk, ServiceName("s"), ModelLimits{}));
    static_cast<void>(decode_heartbeats("{\"ids\":[\"" + junk + "\"]}", ModelLimits{}, 4));
  }));
}

}  // namespace
}  // namespace rollcall::codec
