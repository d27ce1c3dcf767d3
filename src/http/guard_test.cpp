#include "http/guard.hpp"

#include <gtest/gtest.h>

#include "http/cors.hpp"

namespace rollcall::http {
namespace {

Request get_of(std::string_view host) {
  Request request;
  request.path = "/services";
  request.host = host;
  return request;
}

unsigned status_of(const Request& request, const GuardRules& rules = {}) {
  const auto refusal = refuse(request, rules);
  return refusal ? refusal->status : 200;
}

TEST(Guard, AnswersToAddressesAndLocalhost) {
  for (const std::string_view host : {"127.0.0.1", "127.0.0.1:5001", "[::1]:5001", "[::1]", "localhost", "LocalHost:80",
                                      "localhost.", "10.0.0.5", ""}) {
    EXPECT_EQ(status_of(get_of(host)), 200U) << host;
  }
}

TEST(Guard, RefusesNamesThatARebindingPageWouldUse) {
  for (const std::string_view host :
       {"evil.example", "evil.example:5001", "127.0.0.1.evil.example", "localhost.evil", "127.0.0.1:x", "127.0.0.256",
        "1.2.3", "1..2.3", "1.2.3.4.5", "[::1", "[evil]", "localhost:80@evil", ":80"}) {
    EXPECT_EQ(status_of(get_of(host)), 403U) << host;
  }
}

TEST(Guard, AllowedHostsAreAllowed) {
  EXPECT_EQ(status_of(get_of("registry.local:5001"), {{"registry.local"}}), 200U);
  EXPECT_EQ(status_of(get_of("other.local"), {{"registry.local"}}), 403U);
  EXPECT_EQ(status_of(get_of("anything"), {{"*"}}), 200U);
}

TEST(Guard, AnOriginMustBeTheRequestsOwnHost) {
  auto request = get_of("127.0.0.1:5001");
  request.origin = "http://127.0.0.1:5001";
  EXPECT_EQ(status_of(request), 200U);
  for (const std::string_view origin :
       {"http://127.0.0.1:9999", "http://evil.example", "null", "127.0.0.1:5001", "file://127.0.0.1:5001"}) {
    request.origin = origin;
    EXPECT_EQ(status_of(request), 403U) << origin;
  }
}

TEST(Guard, AListedOriginMayAskAndNoOther) {
  const GuardRules rules{.allowed_hosts = {}, .cors_origins = {"https://desk.example", "http://localhost:3000"}};
  auto request = get_of("127.0.0.1:5001");
  for (const std::string_view origin : {"https://desk.example", "http://localhost:3000", "http://127.0.0.1:5001"}) {
    request.origin = origin;
    EXPECT_EQ(status_of(request, rules), 200U) << origin;
  }
  for (const std::string_view origin : {"http://desk.example", "https://desk.example:8443", "https://desk.example.evil",
                                        "https://evil.example", "null"}) {
    request.origin = origin;
    EXPECT_EQ(status_of(request, rules), 403U) << origin;
  }
}

TEST(Guard, APreflightOfAListedOriginNeedsNoToken) {
  const GuardRules rules{.allowed_hosts = {},
                         .access = {.tokens = {{Role::read, "0123456789abcdef"}}, .open_paths = {}},
                         .cors_origins = {"*"}};
  auto request = get_of("localhost");
  request.origin = "https://desk.example";
  EXPECT_EQ(status_of(request, rules), 401U);
  request.method = Method::options;
  const auto answer = refuse(request, rules);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 204U);
  EXPECT_EQ(answer->headers.front().name, "Access-Control-Allow-Methods");
}

TEST(Guard, AListedOriginsMutationIsJsonAsEveryones) {
  const GuardRules rules{.allowed_hosts = {}, .cors_origins = {"*"}};
  auto request = get_of("localhost");
  request.origin = "https://desk.example";
  request.method = Method::post;
  EXPECT_EQ(status_of(request, rules), 415U);
  request.content_type = "application/json";
  EXPECT_EQ(status_of(request, rules), 200U);
}

std::string header_of(const Response& response, std::string_view name) {
  for (const auto& header : response.headers) {
    if (header.name == name) return header.value;
  }
  return {};
}

TEST(Cors, TheLeaveNamesTheOriginAndIsKeptApartInCaches) {
  const std::vector<std::string> listed{"https://desk.example"};
  auto request = get_of("localhost");
  request.origin = "https://desk.example";
  Response response;
  add_leave(request, listed, response);
  EXPECT_EQ(header_of(response, "Access-Control-Allow-Origin"), "https://desk.example");
  EXPECT_EQ(header_of(response, "Vary"), "Origin");
  EXPECT_EQ(header_of(response, "Access-Control-Allow-Credentials"), "");
  request.origin = {};
  response = {};
  add_leave(request, listed, response);
  EXPECT_EQ(header_of(response, "Access-Control-Allow-Origin"), "");
  EXPECT_EQ(header_of(response, "Vary"), "Origin");
}

TEST(Cors, ToAllItIsTheSame) {
  auto request = get_of("localhost");
  request.origin = "https://desk.example";
  Response response;
  add_leave(request, std::vector<std::string>{"*"}, response);
  EXPECT_EQ(header_of(response, "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(header_of(response, "Vary"), "");
}

TEST(Guard, AMutationsBodyMustBeJson) {
  auto request = get_of("localhost");
  request.body = "{}";
  for (const auto method : {Method::post, Method::put, Method::patch, Method::delete_}) {
    request.method = method;
    for (const std::string_view type : {"application/json", "Application/JSON; charset=utf-8"}) {
      request.content_type = type;
      EXPECT_EQ(status_of(request), 200U) << type;
    }
    for (const std::string_view type : {"", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"}) {
      request.content_type = type;
      EXPECT_EQ(status_of(request), 415U) << type;
    }
  }
}

TEST(Guard, AnEmptyPostIsForProgramsNotForPages) {
  auto request = get_of("localhost");
  request.method = Method::post;
  EXPECT_EQ(status_of(request), 200U);
  request.origin = "http://localhost";
  EXPECT_EQ(status_of(request), 415U);
  request.content_type = "application/json";
  EXPECT_EQ(status_of(request), 200U) << "a form can't send this type";
}

}  // namespace
}  // namespace rollcall::http
