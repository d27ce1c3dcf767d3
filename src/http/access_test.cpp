#include "http/access.hpp"

#include <gtest/gtest.h>

namespace rollcall::http {
namespace {

constexpr std::string_view kReads = "reads-0123456789";
constexpr std::string_view kWrites = "writes-0123456789";

AccessRules rules() {
  return {.tokens = {{Role::read, std::string(kReads)}, {Role::write, std::string(kWrites)}},
          .open_paths = {"/health"}};
}

unsigned status_of(Method method, std::string_view path, std::string_view authorization) {
  Request request;
  request.method = method;
  request.path = path;
  request.authorization = authorization;
  const auto refusal = deny(request, rules());
  return refusal ? refusal->status : 200;
}

TEST(Access, WithoutTokensEveryoneMayDoEverything) {
  Request request;
  request.method = Method::delete_;
  request.path = "/instances/a";
  EXPECT_FALSE(deny(request, {}));
}

TEST(Access, AsksForATokenEverywhereButWhereItIsOpen) {
  EXPECT_EQ(status_of(Method::get, "/services", ""), 401U);
  EXPECT_EQ(status_of(Method::get, "/nowhere", ""), 401U);
  EXPECT_EQ(status_of(Method::get, "/health/", ""), 401U);
  EXPECT_EQ(status_of(Method::get, "/health", ""), 200U);
}

TEST(Access, TellsHowToSayWhoAsks) {
  Request request;
  request.path = "/services";
  const auto refusal = deny(request, rules());
  ASSERT_TRUE(refusal);
  ASSERT_EQ(refusal->headers.size(), 1U);
  EXPECT_EQ(refusal->headers[0].name, "WWW-Authenticate");
  EXPECT_TRUE(refusal->headers[0].value.starts_with("Bearer "));
}

TEST(Access, ARoleMayDoWhatTheOnesBeforeItMay) {
  const std::string reads = "Bearer " + std::string(kReads), writes = "bearer  " + std::string(kWrites);
  EXPECT_EQ(status_of(Method::get, "/services", reads), 200U);
  EXPECT_EQ(status_of(Method::head, "/services", reads), 200U);
  EXPECT_EQ(status_of(Method::put, "/instances/a/heartbeat", reads), 403U);
  EXPECT_EQ(status_of(Method::other, "/services", reads), 403U);
  EXPECT_EQ(status_of(Method::get, "/services", writes), 200U);
  EXPECT_EQ(status_of(Method::post, "/heartbeats", writes), 200U);
}

TEST(Access, TakesTheSecretAsABrowsersPassword) {
  // "anyone:writes-0123456789"
  EXPECT_EQ(status_of(Method::post, "/heartbeats", "Basic YW55b25lOndyaXRlcy0wMTIzNDU2Nzg5"), 200U);
  EXPECT_EQ(status_of(Method::post, "/heartbeats", "Basic YW55b25l"), 401U);
  EXPECT_EQ(status_of(Method::post, "/heartbeats", "Basic %%%"), 401U);
}

TEST(Access, NothingButTheWholeSecretIsOne) {
  const std::string secret(kWrites);
  for (std::size_t length = 0; length < secret.size(); ++length) {
    EXPECT_EQ(status_of(Method::get, "/", "Bearer " + secret.substr(0, length)), 401U);
  }
  EXPECT_EQ(status_of(Method::get, "/", "Bearer " + secret + "0"), 401U);
  EXPECT_EQ(status_of(Method::get, "/", secret), 401U);
  EXPECT_EQ(status_of(Method::get, "/", "Digest " + secret), 401U);
  EXPECT_EQ(status_of(Method::get, "/", "Bearer"), 401U);
}

TEST(Access, ReadsTokensFromLinesAndLists) {
  const auto tokens = parse_tokens(
      "# who may what\nread:0123456789abcdef # the page\n\n admin:ABCDEF-._~+/=789,write:0123456789abcdeg\r\n");
  ASSERT_TRUE(tokens);
  ASSERT_EQ(tokens->size(), 3U);
  EXPECT_EQ((*tokens)[0].role, Role::read);
  EXPECT_EQ((*tokens)[0].secret, "0123456789abcdef");
  EXPECT_EQ((*tokens)[1].role, Role::admin);
  EXPECT_EQ((*tokens)[2].role, Role::write);
}

TEST(Access, AnErrorTellsWhichTokenAndNoneOfIt) {
  for (const std::string_view text :
       {"read:tooshort", "reader:0123456789abcdef", "0123456789abcdef", "write:0123456789abcde\x01", "read:"}) {
    const auto tokens = parse_tokens("read:0123456789abcdef," + std::string(text));
    ASSERT_FALSE(tokens) << text;
    EXPECT_EQ(tokens.error().message, "token 2 doesn't read");
  }
}

}  // namespace
}  // namespace rollcall::http
