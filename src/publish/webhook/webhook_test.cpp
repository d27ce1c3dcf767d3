#include <gtest/gtest.h>

#include "publish/webhook/signature.hpp"
#include "publish/webhook/webhook_url.hpp"

namespace rollcall {
namespace {

TEST(WebhookTest, AUrlIsReadAsItIsWritten) {
  const auto url = parse_webhook_url("https://desk.example:8443/hooks/x%20y?key=a%2Bb");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->secure);
  EXPECT_EQ(url->host, "desk.example");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->target, "/hooks/x%20y?key=a%2Bb");
  EXPECT_EQ(parse_webhook_url("http://[::1]")->host, "::1");
  EXPECT_EQ(parse_webhook_url("http://[::1]")->target, "/");
  EXPECT_EQ(parse_webhook_url("https://desk")->port, 443);
}

TEST(WebhookTest, NothingElseIsTaken) {
  for (const auto* text : {"", "desk", "ftp://desk", "http://", "http://me:secret@desk", "http://desk:0"}) {
    EXPECT_FALSE(parse_webhook_url(text)) << text;
  }
}

TEST(WebhookTest, TheSignatureIsAnHmacOfTimestampAndBody) {
  // printf '1700000000.{}' | openssl dgst -sha256 -hmac "a secret"
  EXPECT_EQ(signature_of("a secret", 1'700'000'000, "{}"),
            "sha256=f4c7f7db2c2d22e9144ae6536d7918d29e7c70122e5704b842c2a7d02bee924f");
}

}  // namespace
}  // namespace rollcall
