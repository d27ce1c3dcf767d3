#include "http/h1/connection.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cstring>
#include <stdexcept>
#include <string>

#include "base/log.hpp"
#include "http/test_gunzip.hpp"

namespace rollcall::http::h1 {
namespace {

class FixedClock final : public Clock {
 public:
  [[nodiscard]] MonoTime now() const noexcept override { return MonoTime{} + std::chrono::hours(1); }
  [[nodiscard]] WallTime wall_now() const noexcept override {
    return WallTime{std::chrono::sys_days{std::chrono::year(2026) / 1 / 15} + std::chrono::hours(10)};
  }
};

/// Keeps the table's clock going without a connection in it.
class Guest final : public TableEntry {
  void on_wake() noexcept override {}
};

constexpr std::string_view kDate = "Date: Thu, 15 Jan 2026 10:00:00 GMT\r\n";

class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() {
    limits_.header_bytes = 2048;
    limits_.body_bytes = 10'000;
    router_.add(Method::get, "/hello", SyncHandler([](const Request&) {
                  auto response = json_response(200, "{}");
                  response.etag = "W/\"7\"";
                  response.cache_control = "no-cache";
                  return response;
                }));
    router_.add(Method::get, "/large", SyncHandler([this](const Request&) {
                  Response response;
                  response.body.before = "[";
                  for (int i = 0; i < 200; ++i) response.body.shared.push_back(piece_);
                  response.body.after = "]";
                  return response;
                }));
    router_.add(Method::post, "/echo/{name}", SyncHandler([](const Request& request) {
                  return json_response(201, request.params[0] + "?" + std::string(request.query) + ":" +
                                                std::string(request.body) + "@" + std::string(request.peer_address));
                }));
    router_.add(Method::post, "/head", SyncHandler([](Request request) {
                  std::string seen;
                  for (const auto* field : request.head()) seen.append(*field).append("|");
                  return json_response(200, seen);
                }));
    router_.add(Method::get, "/throws",
                SyncHandler([](const Request&) -> Response { throw std::runtime_error("oops"); }));
    router_.add(Method::get, "/later", AsyncHandler([](const Request&) -> boost::asio::awaitable<Response> {
                  co_return json_response(200, "\"later\"");
                }));
    router_.add(Method::get, "/either", HybridHandler([](const Request& request) -> Answer {
                  if (request.query == "throw") throw std::runtime_error("oops");
                  auto response = json_response(200, "\"at once\"");
                  response.headers.push_back({"X-Told", "yes"});
                  if (request.query.empty()) return response;
                  return [](Response later) -> boost::asio::awaitable<Response> { co_return std::move(later); }({});
                }));
    EXPECT_TRUE(table_.join(guest_));
  }
  ~ConnectionTest() override { table_.leave(guest_); }

  /// What is written until the bytes are used up; "|closed" follows where the connection ends.
  std::string exchange(std::string_view bytes, std::size_t slice = std::string::npos) {
    Connection connection(context_, "10.0.0.9");
    std::string written;
    for (;;) {
      const auto next = connection.advance();
      write_all(connection, written);
      if (next == Connection::Next::close) return written + "|closed";
      if (next == Connection::Next::switch_protocol) return written + "|another protocol";
      if (next == Connection::Next::await) connection.answer(json_response(200, "\"later\""));
      if (next == Connection::Next::stream) pull_all(connection);
      if (next != Connection::Next::read) continue;
      if (bytes.empty()) return written;
      const auto room = connection.room();
      const auto size = std::min({room.size(), slice, bytes.size()});
      std::memcpy(room.data(), bytes.data(), size);
      if (size != 0) connection.received(size);
      bytes.remove_prefix(size);
    }
  }

  static void pull_all(Connection& connection) {
    connection.stream().start(nullptr);
    while (connection.pull(Hurry::no) != BodyStream::State::ended) continue;
  }

  static void write_all(Connection& connection, std::string& written) {
    auto& output = connection.output();
    while (!output.empty()) {
      iovec parts[3];
      const auto count = output.gather(parts);
      std::size_t bytes = 0;
      for (std::size_t i = 0; i < count; ++i) {
        written.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
        bytes += parts[i].iov_len;
      }
      // As a full socket buffer would: not all of it.
      const auto taken = (bytes + 1) / 2;
      written.resize(written.size() - (bytes - taken));
      output.sent(taken);
    }
  }

  /// What is behind the header, taken out of its chunks.
  static std::string dechunked(std::string_view answer) {
    answer.remove_prefix(answer.find("\r\n\r\n") + 4);
    std::string body;
    while (const auto size = std::stoul(std::string(answer), nullptr, 16)) {
      body += answer.substr(answer.find("\r\n") + 2, size);
      answer.remove_prefix(answer.find("\r\n") + 2 + size + 2);
    }
    EXPECT_EQ(answer, "0\r\n\r\n");
    return body;
  }

  static std::string status_of(const std::string& answer) { return answer.substr(9, 3); }

  const FixedClock clock_;
  HttpLimits limits_;
  const GuardRules guard_;
  Router router_;
  ServerStats stats_;
  std::atomic<std::size_t> open_{0};
  boost::asio::io_context io_{1};
  ConnectionTable table_{io_, clock_, limits_, open_};
  const ServerContext context_{router_, guard_, limits_, stats_, table_};
  const std::string piece_ = std::string(100, 'p');
  Guest guest_;
};

constexpr std::string_view kGet = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST_F(ConnectionTest, AnswersAGet) {
  EXPECT_EQ(exchange(kGet), "HTTP/1.1 200 OK\r\n" + std::string(kDate) +
                                "Content-Type: application/json\r\nContent-Length: 2\r\nETag: W/\"7\"\r\n"
                                "Cache-Control: no-cache\r\n\r\n{}");
}

TEST_F(ConnectionTest, ABodyThatBeginsLikeHttp2IsABody) {
  const std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const auto head =
      "POST /echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(preface.size() + 1) + "\r\n\r\n";
  EXPECT_EQ(status_of(exchange(head + std::string(preface) + ".", head.size())), "415") << "it isn't JSON";
}

TEST_F(ConnectionTest, HeadHasTheLengthAndNoBody) {
  const auto answer = exchange("HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 2\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(ConnectionTest, AMatchingTagIs304WithoutABody) {
  for (const std::string_view tags : {"W/\"7\"", "\"7\"", "*", "\"a,b\", W/\"7\"", "\"1\",\"7\""}) {
    const auto answer =
        exchange("GET /hello HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: " + std::string(tags) + "\r\n\r\n");
    EXPECT_EQ(status_of(answer), "304") << tags;
    EXPECT_NE(answer.find("ETag: W/\"7\"\r\n"), std::string::npos);
    EXPECT_EQ(answer.find("Content-"), std::string::npos);
    EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
  }
  for (const std::string_view tags : {"W/\"8\"", "7", "\"", "\"a,7\"", "W/7", ","}) {
    const auto answer =
        exchange("GET /hello HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: " + std::string(tags) + "\r\n\r\n");
    EXPECT_EQ(status_of(answer), "200") << tags;
  }
}

TEST_F(ConnectionTest, CompressesALongBodyForWhoAsks) {
  const std::string rest = " /large HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n";
  const auto plain = exchange("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto answer = exchange("GET" + rest);
  EXPECT_NE(plain.find("Vary: Accept-Encoding\r\n"), std::string::npos);
  EXPECT_NE(answer.find("Vary: Accept-Encoding\r\n"), std::string::npos);
  EXPECT_NE(answer.find("Content-Encoding: gzip\r\n"), std::string::npos);
  EXPECT_EQ(gunzip(dechunked(answer)), plain.substr(plain.find("\r\n\r\n") + 4));
  EXPECT_EQ(exchange("HEAD" + rest), answer.substr(0, answer.find("\r\n\r\n") + 4));
}

TEST_F(ConnectionTest, WhatIsCompressedForHttp10EndsWithTheConnection) {
  const auto plain = exchange("GET /large HTTP/1.0\r\n\r\n");
  const auto answer = exchange("GET /large HTTP/1.0\r\nAccept-Encoding: gzip\r\nConnection: keep-alive\r\n\r\n");
  ASSERT_TRUE(answer.ends_with("|closed"));
  const auto body = answer.substr(answer.find("\r\n\r\n") + 4);
  const auto text = gunzip(body.substr(0, body.rfind('|')));
  ASSERT_TRUE(text);
  EXPECT_EQ(*text + "|closed", plain.substr(plain.find("\r\n\r\n") + 4));
}

// Found by h1_fuzz: the buffer's bytes may be moved while the body is waited for.
TEST_F(ConnectionTest, TheHeadStaysReadableWhileTheBodyComes) {
  std::string requests;
  for (int i = 0; i < 30; ++i) requests += "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
  requests +=
      "POST /head?q=1 HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Type: application/json\r\n"
      "If-None-Match: \"1\"\r\nAccept: text/html\r\nAuthorization: Bearer x\r\nAccept-Encoding: br\r\n"
      "Last-Event-ID: 7-9\r\nContent-Length: 3000\r\n\r\n" +
      std::string(3000, ' ');
  const auto whole = exchange(requests);
  EXPECT_NE(whole.find("/head|q=1|localhost|http://localhost|application/json|\"1\"|text/html|Bearer x|br|7-9|"),
            std::string::npos);
  for (const std::size_t slice : {1, 7, 71, 512, 1500}) EXPECT_EQ(exchange(requests, slice), whole) << slice;
}

// Found by h1_fuzz.
TEST_F(ConnectionTest, OnlyAConnectionsFirstBytesAreThePrefaceOfHttp2) {
  constexpr std::string_view kBytes = "PRI * HTTP/1.0\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const auto whole = exchange(kBytes);
  EXPECT_TRUE(whole.starts_with("HTTP/1.1 400")) << whole;
  EXPECT_EQ(exchange(kBytes, 8), whole);
}

// Found by h1_fuzz: Beast asserts that it isn't asked twice about a last chunk that is cut short.
TEST_F(ConnectionTest, ChunksMayComeInSingleBytes) {
  const std::string head =
      "POST /echo/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::string body : {"0\r\n\r\n", "0\r\nA: b\r\n\r\n", "2\r\n01\r\n0\r\n\r\n", "0\r\nhello\r\n+*I"}) {
    EXPECT_EQ(exchange(head + body, 1), exchange(head + body)) << body;
  }
}

TEST_F(ConnectionTest, PipelinedRequestsAreAnsweredInOrder) {
  const std::string post =
      "POST /echo/n?q=1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]";
  const std::string later = "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const auto together = exchange(std::string(kGet) + post + later + std::string(kGet));
  EXPECT_EQ(together, exchange(kGet) + exchange(post) + exchange(later) + exchange(kGet));
  EXPECT_NE(together.find("n?q=1:[]@10.0.0.9"), std::string::npos);
}

TEST_F(ConnectionTest, HowTheBytesAreCutChangesNothing) {
  const std::string requests =
      std::string(kGet) +
      "POST /echo/a%20b?x HTTP/1.1\r\nHost: 127.0.0.1:80\r\nContent-Type: application/json\r\nTransfer-Encoding: "
      "chunked\r\n\r\n4;ext=1\r\n[1, \r\n2\r\n2]\r\n0\r\nHost: trailer\r\n\r\n"
      "GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n"
      "POST /echo/c HTTP/1.1\r\nContent-Length: 3000\r\nContent-Type: application/json\r\nHost: localhost\r\n\r\n" +
      std::string(3000, '1') + "GET http://localhost/hello HTTP/1.1\r\nHost: other\r\n\r\n" + std::string(kGet) +
      "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" + std::string(kGet);
  const auto whole = exchange(requests);
  EXPECT_TRUE(whole.ends_with("Connection: close\r\n\r\n{}|closed"));
  EXPECT_NE(whole.find("a b?x:[1, 2]@"), std::string::npos);
  for (std::size_t slice = 1; slice < 300; ++slice) ASSERT_EQ(exchange(requests, slice), whole) << slice;
}

TEST_F(ConnectionTest, MoreThanMayBePipelinedIsAnsweredAllTheSame) {
  limits_.pipelined_requests = 3;
  std::string requests, answers;
  for (int i = 0; i < 20; ++i) {
    requests += kGet;
    answers += exchange(kGet);
  }
  EXPECT_EQ(exchange(requests), answers);
}

TEST_F(ConnectionTest, Http10ClosesUnlessAskedNotTo) {
  EXPECT_TRUE(exchange("GET /hello HTTP/1.0\r\n\r\n").ends_with("Connection: close\r\n\r\n{}|closed"));
  EXPECT_TRUE(
      exchange("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").ends_with("Connection: keep-alive\r\n\r\n{}"));
}

TEST_F(ConnectionTest, WhatCanBeReadInTwoWaysIsRefusedAndEndsTheConnection) {
  const std::string host = "Host: localhost\r\n";
  const std::pair<std::string, std::string_view> cases[] = {
      {"GET /hello HTTP/1.1\r\n\r\n", "400"},
      {"GET /hello HTTP/1.1\r\n" + host + host + "\r\n", "400"},
      {"POST /echo/x HTTP/1.1\r\n" + host + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
      {"POST /echo/x HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", "400"},
      {"POST /echo/x HTTP/1.1\r\n" + host + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n", "400"},
      {"POST /echo/x HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", "400"},
      {"POST /echo/x HTTP/1.1\r\n" + host + "Content-Length: 1x\r\n\r\n", "400"},
      {"POST /echo/x HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n", "501"},
      {"POST /echo/x HTTP/1.1\r\n" + host + "Transfer-Encoding: identity\r\n\r\n", "501"},
      {"POST /echo/x HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
      {"POST /echo/x HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n", "400"},
      {"POST /echo/x HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
      {"GET /hello HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n", "400"},
      {"GET /hello HTTP/1.1\r\n" + host + "X : a\r\n\r\n", "400"},
      {"GET /hello HTTP/1.1\n" + host + "\r\n", "505"},
      {"GET hello HTTP/1.1\r\n" + host + "\r\n", "400"},
      {"GET /hello HTTP/2.0\r\n" + host + "\r\n", "505"},
      {"GET /hello HTTP/1.1\r\n" + host + "Expect: tea\r\n\r\n", "417"},
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS hello", "400"},
  };
  for (const auto& [request, status] : cases) {
    const auto answer = exchange(request + std::string(kGet));
    EXPECT_EQ(status_of(answer), status) << request << answer;
    EXPECT_NE(answer.find("application/problem+json"), std::string::npos) << request;
    EXPECT_TRUE(answer.ends_with("|closed")) << request;
    EXPECT_EQ(answer.find("HTTP/1.1 200"), std::string::npos) << "nothing after it is answered: " << request;
  }
}

TEST_F(ConnectionTest, LimitsAreNamed) {
  const auto long_field =
      exchange("GET /hello HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(3000, 'x') + "\r\n\r\n");
  EXPECT_EQ(status_of(long_field), "431");
  EXPECT_NE(long_field.find("the header is over 2048 bytes"), std::string::npos);

  std::string many = "GET /hello HTTP/1.1\r\nHost: localhost\r\n";
  for (int i = 0; i < 300; ++i) many += "X-Field: value\r\n";
  for (const std::size_t slice : {7UL, 100UL, 5000UL}) EXPECT_EQ(status_of(exchange(many + "\r\n", slice)), "431");

  const auto long_body = exchange("POST /echo/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10001\r\n\r\n");
  EXPECT_EQ(status_of(long_body), "413");
  EXPECT_NE(long_body.find("the body is over 10000 bytes"), std::string::npos);

  std::string chunked = "POST /echo/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 11; ++i) chunked += "3e8\r\n" + std::string(1000, 'x') + "\r\n";
  EXPECT_EQ(status_of(exchange(chunked)), "413");

  const auto endless = exchange("POST /echo/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                                std::string(50'000, 'e'));
  EXPECT_EQ(status_of(endless), "431");
}

TEST_F(ConnectionTest, ABodyIsSentAfterLeaveIsGiven) {
  const std::string header =
      "POST /echo/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
      "2\r\nExpect: 100-continue\r\n\r\n";
  EXPECT_EQ(exchange(header), "HTTP/1.1 100 Continue\r\n\r\n");
  const auto at_once = exchange(header + "{}");
  EXPECT_EQ(status_of(at_once), "201") << "who doesn't wait needs no leave";
  EXPECT_EQ(status_of(exchange(
                "POST /echo/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000\r\nExpect: 100-continue\r\n\r\n")),
            "413");
}

TEST_F(ConnectionTest, EveryRequestPassesTheGuard) {
  EXPECT_EQ(status_of(exchange("GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n")), "403");
  EXPECT_EQ(status_of(exchange("POST /echo/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")), "415");
}

TEST_F(ConnectionTest, AHandlerMayAnswerAtOnceOrLater) {
  EXPECT_THAT(exchange("GET /either HTTP/1.1\r\nHost: localhost\r\n\r\n"),
              ::testing::AllOf(::testing::HasSubstr("X-Told: yes\r\n"), ::testing::EndsWith("\"at once\"")));
  EXPECT_THAT(exchange("GET /either?later HTTP/1.1\r\nHost: localhost\r\n\r\n"), ::testing::EndsWith("\"later\""));
  EXPECT_THAT(exchange("GET /either?throw HTTP/1.1\r\nHost: localhost\r\n\r\n"), ::testing::HasSubstr(" 500 "));
}

TEST_F(ConnectionTest, AThrowingHandlerIs500AndTheConnectionGoesOn) {
  const auto errors = log::lines_written(log::Level::error);
  const auto answer = exchange("GET /throws HTTP/1.1\r\nHost: localhost\r\n\r\n" + std::string(kGet));
  EXPECT_EQ(status_of(answer), "500");
  EXPECT_EQ(answer.find("oops"), std::string::npos) << "what went wrong is for the log";
  EXPECT_TRUE(answer.ends_with(exchange(kGet)));
  EXPECT_EQ(log::lines_written(log::Level::error), errors + 1);
  EXPECT_EQ(stats_.responses_5xx, 1U);
}

TEST_F(ConnectionTest, AfterTheDrainBeginsTheAnswerInHandIsTheLast) {
  router_.add(Method::get, "/drain", SyncHandler([this](const Request&) {
                table_.drain();
                return json_response(200, "{}");
              }));
  const auto last = exchange("GET /drain HTTP/1.1\r\nHost: localhost\r\n\r\n" + std::string(kGet));
  EXPECT_TRUE(last.ends_with("Connection: close\r\n\r\n{}|closed"));
  EXPECT_EQ(exchange(kGet), "|closed");
}

TEST_F(ConnectionTest, OptionsAndWrongMethodsTellWhatIsAllowed) {
  const auto options = exchange("OPTIONS /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(status_of(options), "204");
  EXPECT_NE(options.find("Allow: GET, HEAD, OPTIONS\r\n"), std::string::npos);
  EXPECT_EQ(options.find("Content-Length"), std::string::npos);
  EXPECT_EQ(status_of(exchange("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n")), "204");
  EXPECT_EQ(status_of(exchange("BREW /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")), "405");
}

}  // namespace
}  // namespace rollcall::http::h1
