#include "http/h1/server.hpp"

#include <sys/socket.h>

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
#include <span>
#include <utility>

#include "base/log.hpp"
#include "http/h1/connection.hpp"

namespace rollcall::http::h1 {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// Parts of one write. More only makes the kernel's list longer: a full socket buffer ends a write well before.
constexpr std::size_t kPartsPerWrite = 64;
// What a peer may still send after our last answer, so that the close doesn't reset it before it has read that.
constexpr std::size_t kLingerReads = 256;
constexpr std::size_t kLingerReadBytes = 4 * 1024;
constexpr std::uint64_t kNoRequest = ~std::uint64_t{0};

std::string address_of(const tcp::socket& socket) {
  boost::system::error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return {};
  const auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

/// A connection on its socket: does what Connection says, and is woken by the table when it takes too long.
class Session final : public TableEntry {
 public:
  Session(tcp::socket socket, const ServerContext& context)
      : socket_(std::move(socket)),
        context_(context),
        connection_(context, address_of(socket_)),
        joined_(context.connections.join(*this)) {
    context_.stats.connections_total.fetch_add(1, std::memory_order_relaxed);
    (joined_ ? context_.stats.connections : context_.stats.connections_refused).fetch_add(1, std::memory_order_relaxed);
  }

  ~Session() {
    if (!joined_) return;
    context_.connections.leave(*this);
    context_.stats.connections.fetch_sub(1, std::memory_order_relaxed);
  }

  asio::awaitable<void> run() {
    if (!joined_) {
      // No deadline looks after it, so it gets one write and no more.
      connection_.turn_away();
      (void)write_now();
      co_return;
    }
    for (;;) {
      const auto todo = co_await serve_at_once();
      if (todo == Todo::end) co_return;
      if (!connection_.output().empty() && !co_await write_rest()) co_return;
      if (todo == Todo::handle) co_await handle();
      if (todo == Todo::linger) co_return co_await linger();
    }
  }

 private:
  void on_wake() noexcept override {
    boost::system::error_code ignored;
    socket_.cancel(ignored);
  }

  /// What serve_at_once() leaves to the coroutine, after what is left to be written.
  enum class Todo : std::uint8_t { go_on, handle, linger, end };

  using Done = std::move_only_function<void(Todo)>;

  /// The completion of one read. Owns the waiting coroutine, and with it this session.
  struct OnRead {
    Session* session;
    std::unique_ptr<Done> done;
    std::span<char> room;
    bool inside;
    void operator()(const boost::system::error_code& error, std::size_t bytes) {
      const auto open = session->on_read(error, bytes, room, inside);
      open ? session->step(std::move(done)) : (*done)(Todo::end);
    }
  };

  // Reads and answers as long as nothing but reading has to be waited for. The way of nearly all requests: a composed
  // operation costs half of what a coroutine for each read does.
  asio::awaitable<Todo> serve_at_once() {
    auto initiate = [this](auto handler) { step(std::make_unique<Done>(std::move(handler))); };
    return asio::async_initiate<const asio::use_awaitable_t<>, void(Todo)>(initiate, asio::use_awaitable);
  }

  void step(std::unique_ptr<Done> done) {
    const auto first_request = connection_.request_number();
    for (;;) {
      const auto next = connection_.advance();
      if (!write_now()) return finish(std::move(done), Todo::end);
      if (next == Connection::Next::await) return finish(std::move(done), Todo::handle);
      if (next == Connection::Next::close) return finish(std::move(done), Todo::linger);
      if (!connection_.output().empty()) return finish(std::move(done), Todo::go_on);
      if (next == Connection::Next::write) continue;
      const auto room = connection_.room();
      if (room.empty()) continue;
      const bool answered = connection_.request_number() != first_request;
      return answered ? read_later(std::move(done)) : start_read(std::move(done), room);
    }
  }

  // Who has just been answered has sent nothing yet: a read now would find nothing. After the others of this turn have
  // been served it mostly finds the next request.
  void read_later(std::unique_ptr<Done> done) {
    auto read = [this, done = std::move(done)]() mutable {
      const auto room = connection_.room();  // there was some, and nothing has come since
      const bool draining = context_.connections.draining();
      if (connection_.is_inside_request() && !draining) return start_read(std::move(done), room);
      context_.connections.wait(*this, Waiting::first_byte);
      const bool received = read_now(room);
      received || draining ? step(std::move(done)) : start_read(std::move(done), room);
    };
    static_assert(sizeof read <= 2 * sizeof(void*), "more than a task holds without allocating");
    context_.connections.after_this_turn(std::move(read));
  }

  // Through the queue: the coroutine may be the one that is just calling.
  void finish(std::unique_ptr<Done> done, Todo todo) {
    asio::post(socket_.get_executor(), [done = std::move(done), todo] { (*done)(todo); });
  }

  ssize_t send_parts(std::span<iovec> parts) {
    constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
    if (parts.size() == 1) {
      return ::send(socket_.native_handle(), parts.front().iov_base, parts.front().iov_len, kFlags);
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return ::sendmsg(socket_.native_handle(), &message, kFlags);
  }

  // Tries once, without waiting. False when the connection is broken.
  bool write_now() {
    auto& output = connection_.output();
    while (!output.empty()) {
      std::array<iovec, kPartsPerWrite> parts;
      const auto sent = send_parts(std::span(parts).first(output.gather(parts)));
      if (sent < 0) {
        if (errno == EINTR) continue;
        return errno == EAGAIN || errno == EWOULDBLOCK;
      }
      output.sent(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // False when the connection is broken, or the peer took nothing for too long.
  asio::awaitable<bool> write_rest() {
    timed_request_ = kNoRequest;
    while (!connection_.output().empty()) {
      context_.connections.wait(*this, Waiting::reader);
      const auto [error] = co_await socket_.async_wait(tcp::socket::wait_write, kAwait);
      if (error || !write_now()) co_return false;
    }
    co_return true;
  }

  void start_read(std::unique_ptr<Done> done, std::span<char> room) {
    const bool inside = connection_.is_inside_request();
    if (!inside) {
      context_.connections.wait(*this, Waiting::first_byte);
    } else if (std::exchange(timed_request_, connection_.request_number()) != connection_.request_number()) {
      // Once for each request, however many reads it takes.
      context_.connections.wait(*this, Waiting::request);
    }
    socket_.async_read_some(asio::buffer(room.data(), room.size()), OnRead{this, std::move(done), room, inside});
  }

  // False when the peer has closed, or kept us waiting too long.
  bool on_read(const boost::system::error_code& error, std::size_t bytes, std::span<char> room, bool inside) {
    if (!error) connection_.received(bytes);
    if (inside && overdue()) {
      connection_.time_out();
      return true;
    }
    if (error == asio::error::operation_aborted && !overdue()) return read_now(room);  // the table drains
    return !error;
  }

  // What has come already; without waiting, and without the way through the reactor.
  bool read_now(std::span<char> room) {
    const auto bytes = ::recv(socket_.native_handle(), room.data(), room.size(), MSG_DONTWAIT);
    if (bytes > 0) connection_.received(static_cast<std::size_t>(bytes));
    return bytes > 0;
  }

  asio::awaitable<void> handle() {
    context_.connections.wait(*this, Waiting::handler);
    std::string failure;
    try {
      auto answering = connection_.take_pending();
      auto response = co_await std::move(answering);
      connection_.answer(std::move(response));
      co_return;
    } catch (const std::exception& error) {
      failure = error.what();
    } catch (...) {
      failure = "an exception of unknown type";
    }
    connection_.answer_failure(failure);
  }

  // Closing with unread bytes resets the connection, and the peer may lose the answer: let it close first.
  asio::awaitable<void> linger() {
    boost::system::error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    context_.connections.wait(*this, Waiting::close);
    std::array<char, kLingerReadBytes> unwanted;
    for (std::size_t reads = 0; reads < kLingerReads && !overdue(); ++reads) {
      const auto [error, bytes] = co_await socket_.async_read_some(asio::buffer(unwanted), kAwait);
      if (error) break;
    }
  }

  tcp::socket socket_;
  const ServerContext& context_;
  Connection connection_;
  const bool joined_;
  std::uint64_t timed_request_ = kNoRequest;  ///< the request that has its deadline
};

}  // namespace

asio::awaitable<void> serve(tcp::socket socket, ServerContext context) {
  try {
    Session session(std::move(socket), context);
    auto run = session.run();
    co_await std::move(run);
  } catch (const std::exception& error) {
    log::error("http", "a connection ended with a defect: {}", error.what());
  }
}

}  // namespace rollcall::http::h1
