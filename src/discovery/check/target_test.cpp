#include "discovery/check/target.hpp"

#include <gtest/gtest.h>

namespace rollcall {
namespace {

CheckSpec tcp(std::string target) { return {CheckSpec::Kind::tcp, std::move(target)}; }
CheckSpec http(std::string target) { return {CheckSpec::Kind::http, std::move(target)}; }

std::string text_of(const CheckSpec& check) {
  const auto target = parse_check_target(check);
  if (!target) return target.error().field + ": " + target.error().message;
  const auto& endpoint = target->endpoint;
  return endpoint.address().to_string() + " " + std::to_string(endpoint.port()) + " " + target->path;
}

TEST(CheckTarget, AddressesWithPortsAndPlainUrlsAreTaken) {
  EXPECT_EQ(text_of(tcp("127.0.0.1:8042")), "127.0.0.1 8042 ");
  EXPECT_EQ(text_of(tcp("[::1]:5432")), "::1 5432 ");
  EXPECT_EQ(text_of(http("http://127.0.0.1:8080/health?deep=1")), "127.0.0.1 8080 /health?deep=1");
  EXPECT_EQ(text_of(http("http://[::1]/health")), "::1 80 /health");
  EXPECT_EQ(text_of(http("http://127.0.0.1:8080")), "127.0.0.1 8080 /");
}

TEST(CheckTarget, NamesAreRefusedWithTheReason) {
  const std::string why = "needs a numeric address: a name could lead somewhere else once it was allowed";
  EXPECT_EQ(text_of(tcp("localhost:80")), "check.tcp: \"localhost:80\" " + why);
  EXPECT_EQ(text_of(http("http://pacs.local/health")), "check.http: \"http://pacs.local/health\" " + why);
}

TEST(CheckTarget, WhatIsNoTargetIsRefusedByItsField) {
  for (const char* text : {"", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", "127.0.0.1:80/x", "127.0.0.1:x"})
    EXPECT_TRUE(text_of(tcp(text)).starts_with("check.tcp: ")) << text;
  for (const char* text : {"", "127.0.0.1:80", "https://127.0.0.1/", "ftp://127.0.0.1/", "http:///x",
                           "http://user:password@127.0.0.1/", "http://127.0.0.1:0/", "http://127.0.0.1/a b"})
    EXPECT_TRUE(text_of(http(text)).starts_with("check.http: ")) << text;
}

TEST(CheckTarget, OnlyConfiguredNetworksAreAllowed) {
  const auto networks = default_check_networks();
  EXPECT_TRUE(check_allowed(tcp("127.1.2.3:80"), networks).has_value());
  EXPECT_TRUE(check_allowed(http("http://[::1]:80/"), networks).has_value());
  EXPECT_TRUE(check_allowed(tcp("[::ffff:127.0.0.1]:80"), networks).has_value());
  const auto outside = check_allowed(http("http://169.254.169.254/latest/meta-data"), networks);
  ASSERT_FALSE(outside.has_value());
  EXPECT_EQ(outside.error().code, ErrorCode::forbidden);
  EXPECT_EQ(outside.error().field, "check.http");
  EXPECT_EQ(outside.error().message, "169.254.169.254 is outside of the networks that checks may go to");
  EXPECT_FALSE(check_allowed(tcp("[::ffff:10.0.0.1]:80"), networks).has_value());
  EXPECT_EQ(check_allowed(tcp("nonsense"), networks).error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace rollcall
