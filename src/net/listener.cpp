#include "net/listener.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <utility>

#include "base/log.hpp"

namespace rollcall::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr int kBacklog = 4096;
// Accepted in one go before other work of the thread gets its turn.
constexpr int kAcceptsPerTurn = 256;
// Want of descriptors or memory: a connection that ends gives some back.
constexpr std::chrono::milliseconds kPauseWhenShort{100};

bool is_shortage(const boost::system::error_code& error) noexcept {
  return error.value() == EMFILE || error.value() == ENFILE || error.value() == ENOBUFS || error.value() == ENOMEM;
}

Error bind_error(const tcp::endpoint& endpoint, const boost::system::error_code& error) {
  return {ErrorCode::unavailable, fmt::format("can't listen on {}: {}", to_text(endpoint), error.message()), {}};
}

// Two processes that both ask for SO_REUSEPORT would share the port without a word. A socket that doesn't ask finds
// out whether somebody is there.
boost::system::error_code check_free(asio::io_context& context, const tcp::endpoint& endpoint) {
  boost::system::error_code error;
  tcp::acceptor probe(context);
  probe.open(endpoint.protocol(), error);
  if (!error) probe.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) probe.bind(endpoint, error);
  return error;
}

}  // namespace

/// One thread's share of the listener. Keeps itself alive while it waits.
class Listener::Lane : public std::enable_shared_from_this<Lane> {
 public:
  Lane(asio::io_context& context, std::size_t thread, std::shared_ptr<const OnConnection> on_connection)
      : thread_(thread), on_connection_(std::move(on_connection)), acceptor_(context), pause_(context) {}

  boost::system::error_code open(const tcp::endpoint& endpoint) {
    boost::system::error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    const int on = 1;
    if (!error && ::setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
      error.assign(errno, boost::system::system_category());
    }
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(kBacklog, error);
    if (!error) acceptor_.non_blocking(true, error);
    return error;
  }

  [[nodiscard]] tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

  void start() {
    asio::post(acceptor_.get_executor(), [self = shared_from_this()] { self->wait(); });
  }

  void close() {
    asio::post(acceptor_.get_executor(), [self = shared_from_this()] {
      boost::system::error_code ignored;
      self->acceptor_.close(ignored);
      self->pause_.cancel();
    });
  }

 private:
  void wait() {
    if (!acceptor_.is_open()) return;
    acceptor_.async_wait(tcp::acceptor::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->accept_waiting();
    });
  }

  // All that wait, so that one turn of the loop reaches a request that came with its connection.
  void accept_waiting() {
    for (int i = 0; i < kAcceptsPerTurn && acceptor_.is_open(); ++i) {
      boost::system::error_code error;
      tcp::socket socket = acceptor_.accept(error);
      if (error == asio::error::would_block) break;
      if (is_shortage(error)) return pause(error);
      if (error) continue;  // this one connection failed: reset before it was accepted
      short_of_resources_ = false;
      socket.set_option(tcp::no_delay(true), error);
      (*on_connection_)(std::move(socket), thread_);
    }
    wait();
  }

  void pause(const boost::system::error_code& error) {
    if (!std::exchange(short_of_resources_, true)) {
      log::warning("net", "new connections have to wait: {}", error.message());
    }
    pause_.expires_after(kPauseWhenShort);
    pause_.async_wait([self = shared_from_this()](const boost::system::error_code& aborted) {
      if (!aborted) self->accept_waiting();
    });
  }

  const std::size_t thread_;
  const std::shared_ptr<const OnConnection> on_connection_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  bool short_of_resources_ = false;
};

Listener::Listener() = default;
Listener::~Listener() = default;

Result<std::unique_ptr<Listener>> Listener::open(IoThreads& threads, const tcp::endpoint& endpoint,
                                                 OnConnection on_connection) {
  if (endpoint.port() != 0) {
    if (const auto error = check_free(threads.context(0), endpoint))
      return std::unexpected(bind_error(endpoint, error));
  }
  std::unique_ptr<Listener> listener(new Listener);
  const auto shared = std::make_shared<const OnConnection>(std::move(on_connection));
  auto bound = endpoint;
  for (std::size_t i = 0; i < threads.size(); ++i) {
    auto lane = std::make_shared<Lane>(threads.context(i), i, shared);
    if (const auto error = lane->open(bound)) return std::unexpected(bind_error(bound, error));
    bound = lane->endpoint();
    listener->lanes_.push_back(std::move(lane));
  }
  return listener;
}

tcp::endpoint Listener::endpoint() const { return lanes_.front()->endpoint(); }

void Listener::start() {
  for (const auto& lane : lanes_) lane->start();
}

void Listener::close() {
  for (const auto& lane : lanes_) lane->close();
}

}  // namespace rollcall::net
