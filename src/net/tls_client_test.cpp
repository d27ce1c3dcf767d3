// The client under TLS, against tiny servers on loopback. tests/integration/test_cli_tls.py has it against a daemon.
#include "net/tls_client.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <csignal>
#include <thread>

#include "net/http_client.hpp"
#include "net/test_tls.hpp"

namespace rollcall::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;

constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// Takes one connection, shakes hands, and answers whatever comes first. Blocks on a thread of its own.
class TlsServer {
 public:
  TlsServer(const Certified& shown, std::string answer, bool ends_in_order = true)
      : answer_(std::move(answer)), ends_in_order_(ends_in_order), context_(SSL_CTX_new(TLS_server_method())) {
    std::signal(SIGPIPE, SIG_IGN);
    SSL_CTX_use_certificate(context_.get(), shown.certificate.get());
    SSL_CTX_use_PrivateKey(context_.get(), shown.key.get());
    thread_ = std::thread([this] { serve(); });
  }
  ~TlsServer() { thread_.join(); }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  [[nodiscard]] tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
  /// Once the connection has ended.
  std::string heard() {
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread([] {});
    return heard_;
  }

 private:
  void serve() {
    tcp::socket socket(io_);
    acceptor_.accept(socket);
    const std::unique_ptr<SSL, decltype([](SSL* ssl) { SSL_free(ssl); })> ssl(SSL_new(context_.get()));
    SSL_set_fd(ssl.get(), socket.native_handle());
    if (SSL_accept(ssl.get()) != 1) return;
    heard_.resize(4096);
    heard_.resize(static_cast<std::size_t>(std::max(0, SSL_read(ssl.get(), heard_.data(), 4096))));
    if (heard_.empty()) return;
    SSL_write(ssl.get(), answer_.data(), static_cast<int>(answer_.size()));
    if (ends_in_order_) SSL_shutdown(ssl.get());
  }

  const std::string answer_;
  const bool ends_in_order_;
  const std::unique_ptr<SSL_CTX, decltype([](SSL_CTX* context) { SSL_CTX_free(context); })> context_;
  asio::io_context io_;
  tcp::acceptor acceptor_{io_, {asio::ip::address_v4::loopback(), 0}};
  std::string heard_;
  std::thread thread_;
};

class TlsClientTest : public ::testing::Test {
 protected:
  std::expected<HttpReply, ConnectFailure> ask(const tcp::endpoint& endpoint, const std::string& name = "localhost",
                                               std::chrono::milliseconds timeout = 10s) {
    auto context = load_tls_client({.ca = ca_});
    EXPECT_TRUE(context) << context.error().message;
    HttpRequest request{.endpoint = endpoint, .host = name, .authorization = "Bearer secret", .timeout = timeout};
    request.tls = TlsPeer{*context, name};
    return run(get(std::move(request)));
  }

  template <class T>
  T run(asio::awaitable<T> task) {
    auto result = asio::co_spawn(io_, std::move(task), asio::use_future);
    io_.restart();
    io_.run();
    return result.get();
  }

  /// Of a server that is to hear nothing.
  std::string refusal(const Certified& shown, const std::string& name) {
    TlsServer server(shown, std::string(kAnswer));
    const auto reply = ask(server.endpoint(), name);
    EXPECT_EQ(server.heard(), "");
    if (reply) return "a reply";
    EXPECT_EQ(reply.error().why, Unreachable::broken);
    EXPECT_TRUE(reply.error().connected);
    return reply.error().evidence;
  }

  PemFolder folder_;
  const Certified authority_ = certify("authority"), server_ = certify("localhost", &authority_);
  const std::string ca_ = folder_.write_certificate("ca.pem", authority_);
  asio::io_context io_;
};

TEST_F(TlsClientTest, AskingATrustedServerOfTheRightName) {
  TlsServer server(server_, std::string(kAnswer));
  const auto reply = ask(server.endpoint());
  ASSERT_TRUE(reply) << reply.error().evidence;
  EXPECT_EQ(reply->body, "hello");
  EXPECT_NE(server.heard().find("Authorization: Bearer secret\r\n"), std::string::npos);
}

TEST_F(TlsClientTest, NothingIsSaidToOthers) {
  EXPECT_NE(refusal(server_, "elsewhere").find("its certificate is for another name"), std::string::npos);
  EXPECT_NE(refusal(server_, "127.0.0.1").find("its certificate is for another name"), std::string::npos);
  const auto impostor = certify("authority");
  EXPECT_NE(refusal(certify("localhost", &impostor), "localhost").find("its certificate isn't trusted"),
            std::string::npos);
}

TEST_F(TlsClientTest, AnEndThatIsntAnnouncedIsNone) {
  const std::string answer = "HTTP/1.0 200 OK\r\n\r\nuntil the end";
  TlsServer honest(server_, answer);
  const auto whole = ask(honest.endpoint());
  ASSERT_TRUE(whole) << whole.error().evidence;
  EXPECT_EQ(whole->body, "until the end");
  TlsServer cut(server_, answer, false);
  EXPECT_FALSE(ask(cut.endpoint())) << "somebody else may have cut it";
}

TEST_F(TlsClientTest, AHandshakeHasTheTimeOfTheRequest) {
  asio::io_context silent_io;
  tcp::acceptor silent(silent_io, {asio::ip::address_v4::loopback(), 0});
  const auto reply = ask(silent.local_endpoint(), "localhost", 100ms);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().why, Unreachable::timed_out);
}

TEST_F(TlsClientTest, WhoSpeaksTlsIsToldFromWhoDoesnt) {
  {
    TlsServer server(server_, std::string(kAnswer));
    EXPECT_TRUE(run(speaks_tls(server.endpoint(), 10s)));
  }
  asio::io_context silent_io;
  tcp::acceptor silent(silent_io, {asio::ip::address_v4::loopback(), 0});
  EXPECT_FALSE(run(speaks_tls(silent.local_endpoint(), 100ms)));
}

TEST_F(TlsClientTest, AnErrorNamesTheFlagAndTheFile) {
  const auto cert = folder_.write_certificate("cert.pem", server_);
  const auto other = folder_.write_key("other.pem", authority_);
  const auto field_of = [](const TlsClientFiles& files) {
    const auto loaded = load_tls_client(files);
    return loaded ? std::string("none") : loaded.error().field;
  };
  EXPECT_EQ(field_of({.ca = "/nowhere"}), "--cacert");
  EXPECT_EQ(field_of({.cert = cert}), "--cert");
  EXPECT_EQ(field_of({.key = other}), "--key");
  EXPECT_EQ(field_of({.cert = "/nowhere", .key = other}), "--cert");
  EXPECT_EQ(field_of({.cert = cert, .key = other}), "--key");
  EXPECT_EQ(field_of({.cert = cert, .key = folder_.write_key("key.pem", server_)}), "none");
}

}  // namespace
}  // namespace rollcall::net
