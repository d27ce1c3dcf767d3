#include "http/gzip.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <string>

#include "http/test_gunzip.hpp"

namespace rollcall::http {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;

std::string header_of(const Response& response, std::string_view name) {
  const auto found = std::ranges::find(response.headers, name, &Header::name);
  return found == response.headers.end() ? "" : found->value;
}

/// Like an answer of many instances: alike, and never the same.
std::string json_of(std::size_t bytes) {
  std::string json = "[";
  for (std::size_t i = 0; json.size() < bytes; ++i) {
    json += R"({"id":")" + std::to_string(i * 2654435761U) + R"(","address":"10.0.0.5","port":8080},)";
  }
  json.resize(bytes);
  return json;
}

/// Bytes that nothing is to be gained from.
std::string noise_of(std::size_t bytes) {
  std::string noise(bytes, '\0');
  std::uint64_t state = 88172645463325252ULL;
  for (auto& byte : noise) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    byte = static_cast<char>(state);
  }
  return noise;
}

class GzipTest : public ::testing::Test {
 protected:
  /// What is sent of `response`, of which the client has asked for `accept_encoding`.
  Response& completed(Response response, std::string_view accept_encoding, std::string_view if_none_match = "") {
    Request request;
    request.method = Method::get;
    request.accept_encoding = accept_encoding;
    request.if_none_match = if_none_match;
    answer_ = std::move(response);
    complete(request, answer_, context_);
    return answer_;
  }

  std::string pull_all(BodyStream& stream, std::size_t room = 64 * 1024) {
    stream.start(nullptr);
    std::string all;
    for (pulls_ = 1; pulls_ < 1'000'000; ++pulls_) {
      const auto before = all.size();
      const auto state = stream.pull(all, room, Hurry::no);
      most_pulled_ = std::max(most_pulled_, all.size() - before);
      EXPECT_NE(state, BodyStream::State::dry);
      if (state == BodyStream::State::ended) return all;
    }
    ADD_FAILURE() << "it never ends";
    return all;
  }

  HttpLimits limits_;
  const GuardRules guard_;
  const Router router_;
  ServerStats stats_;
  std::atomic<std::size_t> open_{0};
  boost::asio::io_context io_{1};
  const SystemClock clock_;
  ConnectionTable table_{io_, clock_, limits_, open_};
  const ServerContext context_{router_, guard_, limits_, stats_, table_};
  Response answer_;
  std::size_t pulls_ = 0, most_pulled_ = 0;
};

TEST(TakesGzip, AsTheHeaderSays) {
  const std::pair<std::string_view, bool> cases[] = {
      {"", false},
      {"gzip", true},
      {"GZip", true},
      {"x-gzip", true},
      {"deflate, br", false},
      {"gzip, deflate, br, zstd", true},
      {" br ;q=1.0 ,\tgzip ; q=0.8", true},
      {"gzip;q=0", false},
      {"gzip;q=0.000", false},
      {"gzip;q=0.001", true},
      {"gzip;q=1.000", true},
      {"gzip;Q=0.5", true},
      {"*", true},
      {"*;q=0", false},
      {"*;q=0.1", true},
      {"gzip;q=0, *", false},
      {"*;q=0, gzip", true},
      {"identity", false},
      {"identity, gzip", true},
      {"identity, gzip;q=0.5", false},
      {"identity;q=0.4, gzip;q=0.5", true},
      {"gzip;q=0, x-gzip", true},
      {"gzipped", false},
      {"gzip;q=", false},
      {"gzip;q=2", false},
      {"gzip;q=1.001", false},
      {"gzip;q=0.1234", false},
      {"gzip;q=-1", false},
      {"gzip;q=.5", false},
      {"gzip;level=1", false},
      {",,;q=1,gzip,", true},
  };
  for (const auto& [header, takes] : cases) EXPECT_EQ(takes_gzip(header), takes) << '"' << header << '"';
}

TEST_F(GzipTest, GivesBackWhatItWasGiven) {
  for (const auto size : {1024UZ, 1025UZ, 4096UZ, 40'000UZ, 65'536UZ, 65'537UZ, 3 * kMiB}) {
    for (const auto& text : {json_of(size), noise_of(size), std::string(size, 'x')}) {
      auto& answer = completed(json_response(200, text), "gzip");
      ASSERT_TRUE(answer.stream);
      EXPECT_TRUE(gunzip(pull_all(*answer.stream)) == text) << size;
    }
  }
}

TEST_F(GzipTest, TakesThePiecesInTheirOrder) {
  const auto piece = json_of(3000);
  Response response;
  response.body.before = "before";
  response.body.shared = {piece, "", piece, std::string_view(piece).substr(7)};
  response.body.after = "after";
  const auto plain = response.body.str();
  auto& answer = completed(std::move(response), "gzip");
  EXPECT_EQ(gunzip(pull_all(*answer.stream)), plain);
}

TEST_F(GzipTest, GivesNoMoreThanThereIsRoomFor) {
  const auto text = noise_of(5000);
  for (const std::size_t room : {1, 7, 100, 5000}) {
    most_pulled_ = 0;
    auto& answer = completed(json_response(200, text), "gzip");
    EXPECT_TRUE(gunzip(pull_all(*answer.stream, room)) == text) << room;
    EXPECT_LE(most_pulled_, room);
  }
}

TEST_F(GzipTest, DoesALittleAtATime) {
  auto& answer = completed(json_response(200, json_of(4 * kMiB)), "gzip");
  const auto bytes = pull_all(*answer.stream);
  EXPECT_GE(pulls_, 4 * kMiB / (64 * 1024)) << "a slice of at most 64 KiB each";
  EXPECT_LT(bytes.size(), kMiB);
}

TEST_F(GzipTest, LeavesAloneWhatIsNotWorthIt) {
  EXPECT_FALSE(completed(json_response(200, json_of(1023)), "gzip").stream);
  EXPECT_EQ(answer_.vary, "");
  Response picture;
  picture.content_type = "image/png";
  picture.body.before = json_of(5000);
  EXPECT_FALSE(completed(std::move(picture), "gzip").stream);
  EXPECT_EQ(answer_.vary, "");
  limits_.gzip_min_bytes = 0;
  EXPECT_FALSE(completed(json_response(200, json_of(5000)), "gzip").stream);
  EXPECT_EQ(answer_.vary, "");
}

TEST_F(GzipTest, CompressesTexts) {
  for (const auto* type : {"application/json", "application/problem+json", "text/html; charset=utf-8", "text/css",
                           "text/javascript; charset=utf-8", "image/svg+xml", "text/plain; version=0.0.4"}) {
    auto response = json_response(404, json_of(5000));
    response.content_type = type;
    EXPECT_TRUE(completed(std::move(response), "gzip").stream) << type;
    EXPECT_EQ(header_of(answer_, "Content-Encoding"), "gzip");
    EXPECT_EQ(answer_.body.size(), 0U);
  }
}

TEST_F(GzipTest, BothVariantsTellThatThereAreTwo) {
  for (const auto* asked : {"", "gzip"}) {
    auto& answer = completed(json_response(200, json_of(5000)), asked);
    EXPECT_EQ(answer.vary, "Accept-Encoding");
    EXPECT_EQ(answer.stream != nullptr, asked == std::string_view("gzip"));
  }
}

TEST_F(GzipTest, AStrongTagBecomesWeakAndStillMatches) {
  const auto tagged = [](std::string tag) {
    auto response = json_response(200, json_of(5000));
    response.etag = std::move(tag);
    return response;
  };
  EXPECT_EQ(completed(tagged("\"7\""), "gzip").etag, "W/\"7\"");
  EXPECT_EQ(completed(tagged("W/\"7\""), "gzip").etag, "W/\"7\"");
  EXPECT_EQ(completed(tagged("\"7\""), "").etag, "\"7\"");

  auto& same = completed(tagged("\"7\""), "gzip", "W/\"7\"");
  EXPECT_EQ(same.status, 304U);
  EXPECT_EQ(same.vary, "Accept-Encoding");
  EXPECT_EQ(header_of(same, "Content-Encoding"), "");
  EXPECT_FALSE(same.stream);
}

TEST_F(GzipTest, BeyondTheBoundBodiesGoPlain) {
  limits_.gzip_at_once = 2;
  auto first = std::move(completed(json_response(200, json_of(5000)), "gzip"));
  const auto second = std::move(completed(json_response(200, json_of(5000)), "gzip"));
  EXPECT_EQ(stats_.compressing, 2U);
  EXPECT_EQ(completed(json_response(200, json_of(5000)), "gzip").body.size(), 5000U);
  EXPECT_EQ(answer_.vary, "Accept-Encoding");
  first.stream = nullptr;
  EXPECT_TRUE(completed(json_response(200, json_of(5000)), "gzip").stream);
}

TEST_F(GzipTest, MayBeLetGoOfAtAnyPoint) {
  (void)completed(json_response(200, json_of(5000)), "gzip");
  auto& answer = completed(json_response(200, json_of(kMiB)), "gzip");
  std::string bytes;
  (void)answer.stream->pull(bytes, 100, Hurry::stopping);
  answer.stream = nullptr;
  EXPECT_EQ(stats_.compressing, 0U);
}

}  // namespace
}  // namespace rollcall::http
