#include "http/message.hpp"

#include <gtest/gtest.h>

#include "http/text.hpp"

namespace rollcall::http {
namespace {

TEST(Query, GivesTheFirstValueDecoded) {
  const auto value = query_value("a=1&&name=caf%C3%A9+noir&name=2", "name");
  ASSERT_TRUE(value);
  EXPECT_EQ(*value, "café noir");
}

TEST(Query, TellsAbsentFromEmpty) {
  EXPECT_EQ(query_value("", "tag").value(), std::nullopt);
  EXPECT_EQ(query_value("other=1", "tag").value(), std::nullopt);
  EXPECT_EQ(query_value("tag", "tag").value(), "");
  EXPECT_EQ(query_value("tag=", "tag").value(), "");
}

TEST(Query, DecodesNamesToo) { EXPECT_EQ(query_value("t%61g=x", "tag").value(), "x"); }

TEST(Query, BadEscapesAndBadUtf8NameTheParameter) {
  for (const std::string_view query : {"tag=%4", "tag=%", "tag=%zz", "tag=%FF"}) {
    const auto value = query_value(query, "tag");
    ASSERT_FALSE(value) << query;
    EXPECT_EQ(value.error().code, ErrorCode::invalid);
    EXPECT_EQ(value.error().field, "tag");
  }
}

TEST(Query, AnUnknownParameterIsNamed) {
  EXPECT_TRUE(check_query("tag=1&status=up", {"status", "tag"}));
  EXPECT_TRUE(check_query("", {}));
  const auto checked = check_query("tag=1&colour=red", {"status", "tag"});
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().field, "colour");
}

TEST(PercentCoding, GoesBothWaysForAnyBytes) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const auto encoded = percent_encode_segment(all);
  EXPECT_EQ(encoded.find_first_of("/?# \"+"), std::string::npos);
  EXPECT_EQ(percent_decode(encoded).value(), all);
  EXPECT_EQ(percent_encode_segment("service:web/1"), "service%3Aweb%2F1");
}

TEST(PercentCoding, APlusInAPathIsAPlus) { EXPECT_EQ(percent_decode("a+b").value(), "a+b"); }

TEST(Methods, HaveTheirNames) {
  EXPECT_EQ(method_from("DELETE"), Method::delete_);
  EXPECT_EQ(method_from("get"), Method::other) << "methods are case-sensitive";
  EXPECT_EQ(name_of(Method::options), "OPTIONS");
}

TEST(Text, Utf8IsCheckedStrictly) {
  for (const std::string_view good : {"", "a", "é", "€", "𐍈", "\xEF\xBF\xBD"}) EXPECT_TRUE(is_utf8(good)) << good;
  for (const std::string_view bad :
       {"\x80", "\xC0\xAF", "\xC3", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

TEST(Body, JoinsItsThreeParts) {
  Body body;
  body.before = "[";
  const std::string piece = "1,2";
  body.shared.push_back(piece);
  body.shared.push_back(",3");
  body.after = "]";
  EXPECT_EQ(body.str(), "[1,2,3]");
  EXPECT_EQ(body.size(), 7U);
}

TEST(Problem, IsRfc9457WithTheFieldAtFault) {
  const auto response = problem({ErrorCode::invalid, "must be 1 to 65535", "port"});
  EXPECT_EQ(response.status, 400U);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.body.str(), R"({"type":"urn:rollcall:problem:invalid","title":"Bad Request","status":400,)"
                                 R"("detail":"must be 1 to 65535","field":"port"})");
}

TEST(Problem, EscapesWhatAClientSent) {
  const auto response = problem({ErrorCode::not_found, "no \"x\\\n\xFFy\"", {}});
  EXPECT_EQ(response.body.str(),
            "{\"type\":\"urn:rollcall:problem:not_found\",\"title\":\"Not Found\",\"status\":404,"
            "\"detail\":\"no \\\"x\\\\\\u000a\xEF\xBF\xBDy\\\"\"}");
}

TEST(Problem, OverloadTellsWhenToTryAgain) {
  EXPECT_EQ(problem({ErrorCode::overloaded, "full", {}}).retry_after_s, 1U);
  EXPECT_EQ(problem(431, {ErrorCode::too_large, "header", {}}).status, 431U);
}

}  // namespace
}  // namespace rollcall::http
