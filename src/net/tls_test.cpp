#include "net/tls.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <thread>

#include "http/h1/server.hpp"
#include "net/test_tls.hpp"

namespace rollcall::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

constexpr std::string_view kGet = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr std::string_view kProtocols[] = {"h2", "http/1.1"};
constexpr std::string_view kOldProtocol[] = {"http/1.1"};

class TlsFilesTest : public ::testing::Test {
 protected:
  [[nodiscard]] Error error_of(TlsFiles files) const {
    const auto loaded = TlsContext::load(std::move(files), kProtocols);
    return loaded ? Error{} : loaded.error();
  }

  PemFolder folder_;
  const Certified authority_ = certify("authority"), server_ = certify("one", &authority_);
  const std::string cert_ = folder_.write_certificate("cert.pem", server_);
  const std::string key_ = folder_.write_key("key.pem", server_);
};

TEST_F(TlsFilesTest, AnErrorNamesTheSettingAndTheFile) {
  const auto other = folder_.write_key("other.pem", authority_);
  const auto locked = folder_.write_key("locked.pem", server_, "secret");
  const auto text = folder_.write_text("text", "hello");
  EXPECT_EQ(error_of({"/nowhere", key_, ""}).field, "tls.cert");
  EXPECT_NE(error_of({"/nowhere", key_, ""}).message.find("\"/nowhere\""), std::string::npos);
  EXPECT_NE(error_of({"/nowhere", key_, ""}).message.find("No such file"), std::string::npos);
  EXPECT_EQ(error_of({text, key_, ""}).field, "tls.cert");
  EXPECT_EQ(error_of({cert_, "/nowhere", ""}).field, "tls.key");
  EXPECT_EQ(error_of({cert_, text, ""}).field, "tls.key");
  EXPECT_EQ(error_of({cert_, locked, ""}).field, "tls.key");
  EXPECT_NE(error_of({cert_, locked, ""}).message.find("without a passphrase"), std::string::npos);
  EXPECT_EQ(error_of({cert_, other, ""}).field, "tls.key");
  EXPECT_NE(error_of({cert_, other, ""}).message.find("isn't that of the certificate"), std::string::npos);
  EXPECT_EQ(error_of({cert_, key_, "/nowhere"}).field, "tls.client_ca");
  EXPECT_EQ(error_of({cert_, key_, text}).field, "tls.client_ca");
}

TEST_F(TlsFilesTest, TellsWhoseCertificateItIs) {
  const auto loaded = TlsContext::load({cert_, key_, cert_}, kProtocols);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_TRUE((*loaded)->describe().starts_with("\"CN = one\", good until ")) << (*loaded)->describe();
}

/// A server with HTTP/1.1 on a thread of its own; the test is the client.
class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    std::signal(SIGPIPE, SIG_IGN);  // as serve() does
    limits_.linger_timeout = 1s;
    limits_.body_bytes = std::size_t{16} << 20;
    router_.add(http::Method::get, "/hello",
                http::SyncHandler([](const http::Request&) { return http::json_response(200, "{}"); }));
    router_.add(http::Method::get, "/large", http::SyncHandler([this](const http::Request&) {
                  http::Response response;
                  response.body.shared.push_back(large_);
                  return response;
                }));
    router_.add(http::Method::post, "/size", http::SyncHandler([](const http::Request& request) {
                  return http::json_response(200, std::to_string(request.body.size()));
                }));
  }

  ~TlsTest() override {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] {
      acceptor_.close();
      table_->drain();
    });
    thread_.join();
  }

  void start(bool ask_clients = false, std::span<const std::string_view> protocols = kProtocols) {
    write_files(server_);
    const auto ca = ask_clients ? folder_.write_certificate("ca.pem", authority_) : "";
    auto loaded = TlsContext::load({folder_.path("cert.pem"), folder_.path("key.pem"), ca}, protocols);
    ASSERT_TRUE(loaded) << loaded.error().message;
    tls_ = std::move(*loaded);
    table_ = std::make_unique<http::ConnectionTable>(io_, clock_, limits_, open_);
    accept();
    thread_ = std::thread([this] { io_.run(); });
  }

  void write_files(const Certified& what) const {
    folder_.write_certificate("cert.pem", what);
    folder_.write_key("key.pem", what);
  }

  tcp::socket connect() {
    tcp::socket socket(client_io_);
    socket.connect(acceptor_.local_endpoint());
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return socket;
  }
  TlsClient client(const TlsClientOptions& options = {}) { return TlsClient(connect(), options); }

  const Certified authority_ = certify("authority"), server_ = certify("one", &authority_);
  const PemFolder folder_;
  const SystemClock clock_;
  HttpLimits limits_;
  std::unique_ptr<TlsContext> tls_;

 private:
  void accept() {
    acceptor_.async_accept([this](const boost::system::error_code& error, tcp::socket socket) {
      if (error) return;
      const http::ServerContext context{router_, guard_, limits_, stats_, *table_};
      asio::co_spawn(io_, serve(make_tls_channel(std::move(socket), *tls_), context), asio::detached);
      accept();
    });
  }

  static asio::awaitable<void> serve(std::unique_ptr<http::Channel> channel, http::ServerContext context) {
    auto served = http::h1::serve(*channel, context);
    (void)co_await std::move(served);
  }

  const http::GuardRules guard_;
  http::Router router_;
  http::ServerStats stats_;
  std::atomic<std::size_t> open_{0};
  asio::io_context io_{1};
  asio::io_context client_io_{1};
  std::unique_ptr<http::ConnectionTable> table_;
  tcp::acceptor acceptor_{io_, {asio::ip::address_v4::loopback(), 0}};
  std::thread thread_;

 protected:
  const std::string large_ = std::string(8 * 1024 * 1024, 'L');
};

class TlsVersionTest : public TlsTest, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Both, TlsVersionTest, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST_P(TlsVersionTest, AnswersOneRequestAfterTheOther) {
  start();
  auto client = this->client({.newest = GetParam()});
  ASSERT_TRUE(client.open()) << client.error();
  EXPECT_EQ(client.version(), GetParam());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(client.ask(kGet).ends_with("\r\n\r\n{}")) << client.error();
}

TEST_P(TlsVersionTest, ALargeAnswerArrivesWholeAndEndsInOrder) {
  start();
  auto client = this->client({.newest = GetParam()});
  ASSERT_TRUE(client.open());
  ASSERT_TRUE(client.send("GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
  const auto answer = client.read_all();
  EXPECT_EQ(answer.substr(answer.find("\r\n\r\n") + 4), large_);
  EXPECT_TRUE(client.ended_in_order()) << client.error();
}

TEST_P(TlsVersionTest, ALargeBodyArrivesWhole) {
  start();
  auto client = this->client({.newest = GetParam()});
  ASSERT_TRUE(client.open());
  ASSERT_TRUE(client.send(
      "POST /size HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 8388608\r\n\r\n"));
  const auto answer = client.ask(large_);
  EXPECT_TRUE(answer.ends_with("8388608")) << client.error() << answer;
}

TEST_F(TlsTest, ManyRequestsInOneRecordAndOneRequestInManyRecords) {
  start();
  auto client = this->client();
  ASSERT_TRUE(client.open());
  std::string many;
  for (int i = 0; i < 300; ++i) many += kGet;
  ASSERT_TRUE(client.send(many));
  std::size_t answers = 0;
  while (answers < 300) {
    const auto some = client.read_some();
    ASSERT_FALSE(some.empty()) << client.error();
    for (auto at = some.find("{}"); at != std::string::npos; at = some.find("{}", at + 1)) ++answers;
  }
  for (const char letter : kGet.substr(0, kGet.size() - 1)) ASSERT_TRUE(client.send({&letter, 1}));
  EXPECT_TRUE(client.ask("\n").ends_with("\r\n\r\n{}")) << client.error();
}

TEST_F(TlsTest, SeveralLargeAnswersArriveWhole) {
  start();
  auto client = this->client();
  ASSERT_TRUE(client.open());
  const std::string ask("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(
      client.send(ask + std::string(kGet) + "GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
  const auto answers = client.read_all();
  EXPECT_GT(answers.size(), 2 * large_.size());
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(answers, 'L')), 2 * large_.size() + 3);  // Content-Length
  EXPECT_TRUE(client.ended_in_order()) << client.error();
}

TEST_F(TlsTest, OnlyClientsWithACertificateOfTheRightAuthorityAreServed) {
  start(true);
  const auto friendly = certify("friend", &authority_);
  const auto other_authority = certify("authority");  // by name the same
  const auto stranger = certify("friend", &other_authority);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto known = client({.shown = &friendly, .newest = version});
    ASSERT_TRUE(known.open()) << known.error();
    EXPECT_TRUE(known.ask(kGet).ends_with("{}"));

    // Under TLS 1.3 a client hears of it after the handshake.
    auto without = client({.newest = version});
    EXPECT_TRUE(!without.open() || without.ask(kGet).empty());
    EXPECT_TRUE(without.error().contains("certificate required") || without.error().contains("handshake failure"))
        << without.error();

    auto unknown = client({.shown = &stranger, .newest = version});
    EXPECT_TRUE(!unknown.open() || unknown.ask(kGet).empty());
    EXPECT_TRUE(unknown.error().contains("alert")) << unknown.error();
  }
}

TEST_F(TlsTest, AClientWithACertificateMayResumeItsSession) {
  start(true);
  const auto friendly = certify("friend", &authority_);
  auto first = client({.shown = &friendly, .newest = TLS1_2_VERSION});
  ASSERT_TRUE(first.open());
  EXPECT_TRUE(first.ask(kGet).ends_with("{}"));
  auto second = client({.shown = &friendly, .newest = TLS1_2_VERSION});
  SSL_set_session(second.ssl(), SSL_get0_session(first.ssl()));
  ASSERT_TRUE(second.open()) << second.error();
  EXPECT_EQ(SSL_session_reused(second.ssl()), 1);
  EXPECT_TRUE(second.ask(kGet).ends_with("{}"));
}

TEST_F(TlsTest, AReloadIsForNewConnections) {
  start();
  auto old = client();
  ASSERT_TRUE(old.open());
  EXPECT_EQ(old.server_name(), "one");
  write_files(certify("two", &authority_));
  ASSERT_TRUE(tls_->reload());
  auto fresh = client();
  ASSERT_TRUE(fresh.open());
  EXPECT_EQ(fresh.server_name(), "two");
  EXPECT_TRUE(old.ask(kGet).ends_with("{}")) << old.error();
  EXPECT_TRUE(fresh.ask(kGet).ends_with("{}")) << fresh.error();
}

TEST_F(TlsTest, AReloadThatFailsChangesNothing) {
  start();
  folder_.write_certificate("cert.pem", certify("two", &authority_));  // and not the key
  const auto failed = tls_->reload();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().field, "tls.key");
  auto client = this->client();
  ASSERT_TRUE(client.open());
  EXPECT_EQ(client.server_name(), "one");
}

TEST_F(TlsTest, WhatIsNoHandshakeIsClosed) {
  start();
  for (const std::string_view bytes :
       {kGet, std::string_view("\x16\x03\x01\xff\xff garbage garbage garbage garbage")}) {
    auto socket = connect();
    asio::write(socket, asio::buffer(bytes));
    socket.shutdown(tcp::socket::shutdown_send);
    std::string heard;
    boost::system::error_code error;
    asio::read(socket, asio::dynamic_buffer(heard), error);
    EXPECT_EQ(error, asio::error::eof);
    EXPECT_LT(heard.size(), 16U) << "more than an alert";
  }
}

TEST_F(TlsTest, AHandshakeHasTheTimeOfARequest) {
  limits_.request_timeout = 60ms;
  start();
  auto socket = connect();
  asio::write(socket, asio::buffer(std::string_view("\x16\x03\x01")));
  std::string heard;
  boost::system::error_code error;
  asio::read(socket, asio::dynamic_buffer(heard), error);
  EXPECT_EQ(error, asio::error::eof);
}

TEST_F(TlsTest, OlderVersionsAreRefused) {
  start();
  auto client = this->client({.newest = TLS1_1_VERSION});
  EXPECT_FALSE(client.open());
  EXPECT_TRUE(client.error().contains("alert protocol version")) << client.error();
}

TEST_F(TlsTest, TheBestProtocolThatBothKnowIsAgreedOn) {
  start();
  auto both = client({.alpn = "\x08http/1.1\x02h2"});
  ASSERT_TRUE(both.open());
  EXPECT_EQ(both.protocol(), "h2");
  auto old = client({.alpn = "\x08http/1.1"});
  ASSERT_TRUE(old.open());
  EXPECT_EQ(old.protocol(), "http/1.1");
  auto silent = client();
  ASSERT_TRUE(silent.open());
  EXPECT_EQ(silent.protocol(), "");
}

TEST_F(TlsTest, WhereNoProtocolIsCommonTheHandshakeFails) {
  start(false, kOldProtocol);
  auto client = this->client({.alpn = "\x02h2"});
  EXPECT_FALSE(client.open());
  EXPECT_TRUE(client.error().contains("no application protocol")) << client.error();
}

}  // namespace
}  // namespace rollcall::net
