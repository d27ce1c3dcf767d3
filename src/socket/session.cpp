#include "socket/session.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include "base/log.hpp"
#include "http/await_callback.hpp"
#include "http/doorbell.hpp"
#include "socket/connection.hpp"

namespace rollcall::socket {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// What a peer may still send after our last answer, so that the close doesn't reset it before it has read that.
constexpr std::size_t kLingerReads = 256;
constexpr std::size_t kLingerReadBytes = 4 * 1024;
constexpr int kKeepaliveProbes = 3;
constexpr std::uint64_t kNoCommand = ~std::uint64_t{0};

/// Nowhere in particular, if it is gone already.
asio::ip::address peer_of(const tcp::socket& socket) {
  boost::system::error_code error;
  const auto address = socket.remote_endpoint(error).address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return address;
}

/// How a connection ended that a call failed on with that error.
End end_of(int error) noexcept {
  const bool silent = error == ETIMEDOUT || error == EHOSTUNREACH || error == ENETUNREACH;
  return silent ? End::silent : End::by_peer;
}

/// A connection on its socket: does what Connection says, and is woken by the table when it takes too long.
class Session final : public http::TableEntry {
 public:
  Session(tcp::socket socket, const asio::ip::address& peer, const SessionContext& context)
      : socket_(std::move(socket)),
        context_(context),
        connection_(context, peer.to_string(), peer.is_loopback()),
        joined_(context.connections.join(*this)) {
    auto& stats = context_.stats;
    stats.connections_total.fetch_add(1, std::memory_order_relaxed);
    (joined_ ? stats.connections : stats.connections_refused).fetch_add(1, std::memory_order_relaxed);
  }

  ~Session() {
    if (!joined_) return;
    context_.connections.leave(*this);
    context_.stats.connections.fetch_sub(1, std::memory_order_relaxed);
  }

  asio::awaitable<void> run() {
    if (!joined_) co_return;  // no deadline looks after it
    for (;;) {
      const auto todo = co_await serve_at_once();
      if (todo == Todo::end) co_return;
      if (!connection_.output().empty() && !co_await write_rest()) co_return;
      if (todo == Todo::settle) co_await settle();
      if (todo == Todo::stream && !co_await stream()) co_return;
      if (todo == Todo::linger || todo == Todo::stream) co_return co_await linger();
    }
  }

 private:
  void on_wake() noexcept override {
    boost::system::error_code ignored;
    socket_.cancel(ignored);
    if (bell_) bell_->ring();
  }

  /// What serve_at_once() leaves to the coroutine, after what is left to be written.
  enum class Todo : std::uint8_t { go_on, settle, stream, linger, end };

  using Done = std::move_only_function<void(Todo)>;

  /// The completion of one read. Owns the waiting coroutine, and with it this session.
  struct OnRead {
    Session* session;
    std::unique_ptr<Done> done;
    std::span<char> room;
    void operator()(const boost::system::error_code& error, std::size_t bytes) {
      const auto open = session->on_read(error, bytes, room);
      open ? session->step(std::move(done)) : (*done)(Todo::end);
    }
  };

  // Reads and answers as long as nothing but reading has to be waited for: the way of nearly all commands.
  asio::awaitable<Todo> serve_at_once() {
    auto initiate = [this](auto handler) { step(std::make_unique<Done>(std::move(handler))); };
    return asio::async_initiate<const asio::use_awaitable_t<>, void(Todo)>(initiate, asio::use_awaitable);
  }

  void step(std::unique_ptr<Done> done) {
    const auto first_command = connection_.command_number();
    for (;;) {
      const auto next = connection_.advance();
      if (!write_now()) return finish(std::move(done), Todo::end);
      if (next == Connection::Next::await) return finish(std::move(done), Todo::settle);
      if (next == Connection::Next::stream) return finish(std::move(done), Todo::stream);
      if (next == Connection::Next::close) return finish(std::move(done), Todo::linger);
      if (!connection_.output().empty()) return finish(std::move(done), Todo::go_on);
      if (next == Connection::Next::write) continue;
      const bool answered = connection_.command_number() != first_command;
      return answered ? read_later(std::move(done)) : start_read(std::move(done), connection_.room());
    }
  }

  // Who has just been answered has sent nothing yet: a read now would find nothing. After the others of this turn have
  // been served it mostly finds the next commands.
  void read_later(std::unique_ptr<Done> done) {
    auto read = [this, done = std::move(done)]() mutable {
      const auto room = connection_.room();
      wait_for_bytes();
      const bool received = read_now(room);
      received || context_.connections.draining() ? step(std::move(done)) : start_read(std::move(done), room);
    };
    static_assert(sizeof read <= 2 * sizeof(void*), "more than a task holds without allocating");
    context_.connections.after_this_turn(std::move(read));
  }

  // Through the queue: the coroutine may be the one that is just calling.
  void finish(std::unique_ptr<Done> done, Todo todo) {
    asio::post(socket_.get_executor(), [done = std::move(done), todo] { (*done)(todo); });
  }

  // Tries once, without waiting. False when the connection is broken.
  bool write_now() {
    for (auto output = connection_.output(); !output.empty(); output = connection_.output()) {
      const auto sent = ::send(socket_.native_handle(), output.data(), output.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0) {
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
        connection_.end(end_of(errno));
        return false;
      }
      connection_.sent(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // False when the connection is broken, or the peer took nothing for too long.
  asio::awaitable<bool> write_rest() {
    timed_command_ = kNoCommand;
    while (!connection_.output().empty()) {
      context_.connections.wait(*this, http::Waiting::reader);
      const auto [error] = co_await socket_.async_wait(tcp::socket::wait_write, kAwait);
      if (error || !write_now()) co_return false;
    }
    co_return true;
  }

  void wait_for_bytes() {
    if (!connection_.is_inside_command()) {
      context_.connections.wait(*this, http::Waiting::first_byte);
    } else if (std::exchange(timed_command_, connection_.command_number()) != connection_.command_number()) {
      // Once for each command, however many reads it takes.
      context_.connections.wait(*this, http::Waiting::request);
    }
  }

  void start_read(std::unique_ptr<Done> done, std::span<char> room) {
    wait_for_bytes();
    socket_.async_read_some(asio::buffer(room.data(), room.size()), OnRead{this, std::move(done), room});
  }

  // False when the connection has ended, or kept us waiting too long.
  bool on_read(const boost::system::error_code& error, std::size_t bytes, std::span<char> room) {
    if (!error) connection_.received(bytes);
    if (overdue()) {
      if (connection_.is_inside_command()) connection_.time_out();
      return connection_.is_inside_command();
    }
    if (!error) return true;
    if (error == asio::error::operation_aborted) {  // the table drains
      (void)read_now(room);
      return true;
    }
    return on_end(error == asio::error::eof ? 0 : error.value());
  }

  // What has come already; without waiting, and without the way through the reactor.
  bool read_now(std::span<char> room) {
    const auto bytes = ::recv(socket_.native_handle(), room.data(), room.size(), MSG_DONTWAIT);
    if (bytes > 0) connection_.received(static_cast<std::size_t>(bytes));
    return bytes > 0;
  }

  // The peer's kernel has closed (0), or a call failed so. Who has only closed its own side may still read.
  bool on_end(int error) {
    connection_.end(error == 0 ? End::by_peer : end_of(error));
    connection_.finished();
    return error == 0;
  }

  asio::awaitable<void> settle() {
    context_.connections.wait(*this, http::Waiting::handler);
    // The burst isn't held here: if its commands are dropped, it goes, and this coroutine with it.
    auto answers = http::await_callback<Burst::Slots>([burst = connection_.take_burst()](auto wake) mutable {
      std::exchange(burst, nullptr)->wait(std::move(wake));
    });
    const auto settled = co_await std::move(answers);
    connection_.settled(settled);
    if (connection_.is_tied() && !std::exchange(asks_, true)) ask_when_silent();
  }

  // A host that has died sends nothing, and neither does a cable that was cut.
  void ask_when_silent() {
    const auto silence = std::chrono::ceil<std::chrono::seconds>(context_.limits.keepalive);
    const int first = static_cast<int>(std::max<std::int64_t>(silence.count(), 1));
    const int between = std::max(first / kKeepaliveProbes, 1);
    const auto unanswered_ms = static_cast<unsigned>((first + kKeepaliveProbes * between) * 1000);
    const int on = 1;
    const auto set = [this](int level, int name, const auto& value) {
      ::setsockopt(socket_.native_handle(), level, name, &value, sizeof value);
    };
    set(IPPROTO_TCP, TCP_KEEPIDLE, first);
    set(IPPROTO_TCP, TCP_KEEPINTVL, between);
    set(IPPROTO_TCP, TCP_KEEPCNT, kKeepaliveProbes);
    set(IPPROTO_TCP, TCP_USER_TIMEOUT, unanswered_ms);
    set(SOL_SOCKET, SO_KEEPALIVE, on);
  }

  // False when the peer has gone, or takes nothing.
  asio::awaitable<bool> stream() {
    bell_ = std::make_shared<http::Doorbell>(socket_.get_executor());
    connection_.stream().start([bell = bell_.get()] { bell->ring(); });
    for (;;) {
      const auto hurry = context_.connections.draining() ? http::Hurry::stopping : http::Hurry::no;
      const auto state = connection_.pull(hurry);
      if (!write_now()) co_return false;
      if (!connection_.output().empty() && !co_await write_rest()) co_return false;
      if (state == http::BodyStream::State::ended) co_return true;
      if (state == http::BodyStream::State::dry && !co_await stirred()) co_return false;
    }
  }

  // Until there may be more to tell, or the daemon stops. False when the peer has gone; what else it sends is dropped.
  asio::awaitable<bool> stirred() {
    context_.connections.wait(*this, http::Waiting::event);
    std::array<char, kLingerReadBytes> unwanted;
    const auto bytes = ::recv(socket_.native_handle(), unwanted.data(), unwanted.size(), MSG_DONTWAIT);
    if (bytes == 0 || (bytes < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
      (void)on_end(bytes == 0 ? 0 : errno);
      co_return false;
    }
    bell_->ring_when(socket_, tcp::socket::wait_read);
    co_await bell_->wait();
    co_return true;
  }

  // Closing with unread bytes resets the connection, and the peer may lose the answer: let it close first.
  asio::awaitable<void> linger() {
    connection_.end(End::by_us);
    boost::system::error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    context_.connections.wait(*this, http::Waiting::close);
    std::array<char, kLingerReadBytes> unwanted;
    for (std::size_t reads = 0; reads < kLingerReads && !overdue(); ++reads) {
      const auto [error, bytes] = co_await socket_.async_read_some(asio::buffer(unwanted), kAwait);
      if (error) break;
    }
  }

  tcp::socket socket_;
  const SessionContext& context_;
  Connection connection_;
  const bool joined_;
  std::shared_ptr<http::Doorbell> bell_;      ///< once it watches
  bool asks_ = false;                         ///< the peer's kernel, when it is silent
  std::uint64_t timed_command_ = kNoCommand;  ///< the command that has its deadline
};

}  // namespace

asio::awaitable<void> serve(tcp::socket socket, SessionContext context) {
  try {
    const auto peer = peer_of(socket);
    Session session(std::move(socket), peer, context);
    auto run = session.run();
    co_await std::move(run);
  } catch (const std::exception& error) {
    log::error("socket", "a connection ended with a defect: {}", error.what());
  }
}

}  // namespace rollcall::socket
