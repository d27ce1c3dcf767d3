#include "http/router.hpp"

#include <gtest/gtest.h>

namespace rollcall::http {
namespace {

Handler says(std::string text) {
  return SyncHandler([text = std::move(text)](const Request& request) {
    std::string answer = text;
    for (const auto& param : request.params) answer += "|" + param;
    return json_response(200, answer);
  });
}

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    router_.add(Method::get, "/", says("root"));
    router_.add(Method::get, "/services", says("services"));
    router_.add(Method::get, "/services/{name}", says("service"));
    router_.add(Method::put, "/services/{name}/instances/{id}", says("put"));
    router_.add(Method::get, "/instances/{id}", says("instance"));
    router_.add(Method::delete_, "/instances/{id}", says("delete"));
    router_.add(Method::put, "/instances/{id}/heartbeat", says("beat"));
    router_.add(Method::post, "/instances/special", says("special"));
  }

  Response ask(Method method, std::string_view path) {
    request_.method = method;
    request_.path = path;
    auto matched = router_.match(request_);
    if (auto* answer = std::get_if<Response>(&matched)) return std::move(*answer);
    return std::get<SyncHandler>(*std::get<const Handler*>(matched))(request_);
  }

  std::string body_of(Method method, std::string_view path) { return ask(method, path).body.str(); }

  Router router_;
  Request request_;
};

TEST_F(RouterTest, FindsTheHandlerAndItsParameters) {
  EXPECT_EQ(body_of(Method::get, "/"), "root");
  EXPECT_EQ(body_of(Method::get, "/services"), "services");
  EXPECT_EQ(body_of(Method::get, "/services/web"), "service|web");
  EXPECT_EQ(body_of(Method::put, "/services/web/instances/a-1"), "put|web|a-1");
}

TEST_F(RouterTest, SplitsBeforeItDecodes) {
  EXPECT_EQ(body_of(Method::get, "/instances/service%3Aweb1"), "instance|service:web1");
  EXPECT_EQ(body_of(Method::get, "/services/a%2Fb"), "service|a/b");
  EXPECT_EQ(body_of(Method::get, "/services/caf%C3%A9"), "service|café");
  EXPECT_EQ(body_of(Method::get, "/%73ervices"), "services");
}

TEST_F(RouterTest, BadEscapesAndBadUtf8InAParameterAre400NamingIt) {
  for (const std::string_view path :
       {"/services/%", "/services/%4", "/services/%gg", "/services/%C3", "/services/\xFF"}) {
    const auto response = ask(Method::get, path);
    EXPECT_EQ(response.status, 400U) << path;
    EXPECT_NE(response.body.str().find(R"("field":"name")"), std::string::npos) << path;
  }
}

TEST_F(RouterTest, UnknownPathsAre404) {
  for (const std::string_view path : {"/nothing", "/services/", "/services/a/b", "//services", "/services//instances/x",
                                      "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s", "services", ""}) {
    EXPECT_EQ(ask(Method::get, path).status, 404U) << path;
  }
}

TEST_F(RouterTest, AWrongMethodIs405WithAllow) {
  const auto response = ask(Method::post, "/instances/x");
  EXPECT_EQ(response.status, 405U);
  EXPECT_EQ(response.allow, "GET, HEAD, DELETE, OPTIONS");
  EXPECT_EQ(ask(Method::other, "/services").status, 405U);
  EXPECT_EQ(ask(Method::get, "/instances/x/heartbeat").allow, "PUT, OPTIONS");
}

TEST_F(RouterTest, GetAnswersHead) { EXPECT_EQ(body_of(Method::head, "/services/web"), "service|web"); }

TEST_F(RouterTest, OptionsTellsWhatIsAllowed) {
  const auto response = ask(Method::options, "/services/web");
  EXPECT_EQ(response.status, 204U);
  EXPECT_EQ(response.allow, "GET, HEAD, OPTIONS");
  EXPECT_EQ(ask(Method::options, "*").status, 204U);
  EXPECT_EQ(ask(Method::options, "/nothing").status, 404U);
}

TEST_F(RouterTest, ALiteralGoesBeforeAParameterButDoesNotHideIt) {
  EXPECT_EQ(body_of(Method::post, "/instances/special"), "special");
  EXPECT_EQ(body_of(Method::get, "/instances/special"), "instance|special");
}

}  // namespace
}  // namespace rollcall::http
