#include "discovery/docker/config.hpp"

#include <gtest/gtest.h>

namespace rollcall {
namespace {

using Kind = EngineAddress::Kind;

TEST(EngineUrl, TheFormsOfDockersOwnVariableAreUnderstood) {
  const auto parse = [](std::string_view text) { return parse_engine_url(text, "docker.url"); };
  EXPECT_EQ(parse("unix:///var/run/docker.sock").value(), EngineAddress({.path = "/var/run/docker.sock"}));
  EXPECT_EQ(parse("tcp://10.0.0.5:2375").value(), EngineAddress({.kind = Kind::tcp, .host = "10.0.0.5", .port = 2375}));
  EXPECT_EQ(parse("tcp://engine").value(), EngineAddress({.kind = Kind::tcp, .host = "engine", .port = 2375}));
  EXPECT_EQ(parse("http://engine:80/").value(), EngineAddress({.kind = Kind::tcp, .host = "engine", .port = 80}));
  EXPECT_EQ(parse("https://engine").value(), EngineAddress({.kind = Kind::tls, .host = "engine", .port = 2376}));
  EXPECT_EQ(parse("https://[fd00::1]:99").value(), EngineAddress({.kind = Kind::tls, .host = "fd00::1", .port = 99}));
  EXPECT_EQ(to_text(parse("https://[fd00::1]:99").value()), "https://[fd00::1]:99");
  EXPECT_EQ(to_text(parse("unix:///run/d.sock").value()), "unix:///run/d.sock");
}

TEST(EngineUrl, AllElseIsRefusedByTheSettingsName) {
  for (const auto* wrong :
       {"", "docker.sock", "unix://docker.sock", "ssh://host", "tcp://", "tcp://host:0", "tcp://host:70000",
        "tcp://host:x", "tcp://user:secret@host:1", "tcp://[::1", "tcp://a/b"}) {
    const auto parsed = parse_engine_url(wrong, "docker.url");
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_EQ(parsed.error().field, "docker.url");
    EXPECT_FALSE(parsed.error().message.contains("secret"));
  }
}

TEST(LabelConditions, AreAKeyOrAKeyAndItsValue) {
  EXPECT_EQ(parse_label_condition("team", "f").value(), LabelCondition({"team", std::nullopt}));
  EXPECT_EQ(parse_label_condition("team=a=b", "f").value(), LabelCondition({"team", "a=b"}));
  EXPECT_FALSE(parse_label_condition("=a", "f"));
  EXPECT_FALSE(parse_label_condition("", "f"));
}

TEST(LabelConditions, TheDefaultFollowsTheNameOfTheLabel) {
  DockerConfig config;
  config.labels.enabled = "scale.me";
  EXPECT_EQ(filter_of(config), std::vector{LabelCondition({"scale.me", "true"})});
  config.filter.emplace();
  EXPECT_TRUE(filter_of(config).empty());
}

}  // namespace
}  // namespace rollcall
