#include "http/h1/server.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "base/log.hpp"
#include "http/doorbell.hpp"
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

/// A connection on its channel: does what Connection says, and is woken by the table when it takes too long.
class Session final : public TableEntry {
 public:
  Session(Channel& channel, const ServerContext& context)
      : channel_(channel),
        socket_(channel.socket()),
        context_(context),
        connection_(context, address_of_peer(socket_)),
        joined_(context.connections.join(*this)) {
    context_.stats.connections_total.fetch_add(1, std::memory_order_relaxed);
    (joined_ ? context_.stats.connections : context_.stats.connections_refused).fetch_add(1, std::memory_order_relaxed);
  }

  ~Session() {
    if (!joined_) return;
    context_.connections.leave(*this);
    context_.stats.connections.fetch_sub(1, std::memory_order_relaxed);
  }

  asio::awaitable<std::optional<std::string>> run() {
    if (!joined_) {
      // No deadline looks after it, so it gets one write and no more.
      connection_.turn_away();
      if (channel_.is_clear()) (void)write_now();
      co_return std::nullopt;
    }
    if (!channel_.is_clear() && !co_await open()) co_return std::nullopt;
    for (;;) {
      const auto todo = co_await serve_at_once();
      if (todo == Todo::switch_protocol) co_return std::string(connection_.unread());
      // Under TLS an end that isn't announced may be somebody else's doing.
      if (todo == Todo::end && !channel_.is_clear() && connection_.output().empty()) channel_.finish();
      if (todo == Todo::end || !co_await carry_out(todo)) co_return std::nullopt;
    }
  }

 private:
  void on_wake() noexcept override {
    boost::system::error_code ignored;
    socket_.cancel(ignored);
    if (bell_) bell_->ring();
  }

  /// What serve_at_once() leaves to the coroutine, after what is left to be written.
  enum class Todo : std::uint8_t { go_on, handle, hold, stream, linger, switch_protocol, end };

  // False when that was the connection's end.
  asio::awaitable<bool> carry_out(Todo todo) {
    if (!connection_.output().empty() && !co_await write_rest()) co_return false;
    switch (todo) {
      case Todo::handle:
        co_await handle();
        co_return true;
      case Todo::hold:
        co_return co_await hold();
      case Todo::stream:
        co_return co_await stream();
      case Todo::linger:
        co_await linger();
        co_return false;
      case Todo::go_on:
      case Todo::switch_protocol:
      case Todo::end:
        co_return true;
    }
    std::unreachable();
  }

  // TLS shakes hands here, with the time that a request has.
  asio::awaitable<bool> open() {
    context_.connections.wait(*this, Waiting::handshake);
    while (!overdue() && !context_.connections.draining()) {
      const auto opened = channel_.open();
      if (opened.state == Transfer::State::done) co_return true;
      if (opened.state == Transfer::State::ended) {
        co_await linger();  // what tells the peer why must not be lost
        co_return false;
      }
      const auto [error] = co_await socket_.async_wait(readiness_for(opened.state), kAwait);
      if (error) co_return false;
    }
    co_return false;
  }

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
      if (const auto todo = todo_for(next)) return finish(std::move(done), *todo);
      if (!connection_.output().empty()) return finish(std::move(done), Todo::go_on);
      if (next == Connection::Next::write) continue;
      const auto room = connection_.room();
      if (room.empty()) continue;
      if (connection_.request_number() != first_request) return read_later(std::move(done));
      if (channel_.is_clear()) return start_read(std::move(done), room);
      // What TLS has taken off the socket, no reactor will tell of.
      const auto read = read_now(room);
      if (read == Transfer::State::done) continue;
      if (read == Transfer::State::ended) return finish(std::move(done), Todo::end);
      return start_wait(std::move(done), room, read);
    }
  }

  static std::optional<Todo> todo_for(Connection::Next next) noexcept {
    switch (next) {
      case Connection::Next::await:
        return Todo::handle;
      case Connection::Next::hold:
        return Todo::hold;
      case Connection::Next::stream:
        return Todo::stream;
      case Connection::Next::switch_protocol:
        return Todo::switch_protocol;
      case Connection::Next::close:
        return Todo::linger;
      case Connection::Next::read:
      case Connection::Next::write:
        return std::nullopt;
    }
    std::unreachable();
  }

  // Who has just been answered has sent nothing yet: a read now would find nothing. After the others of this turn have
  // been served it mostly finds the next request.
  void read_later(std::unique_ptr<Done> done) {
    auto read = [this, done = std::move(done)]() mutable {
      const auto room = connection_.room();  // there was some, and nothing has come since
      const bool draining = context_.connections.draining();
      if (!channel_.is_clear() || draining) return step(std::move(done));
      if (connection_.is_inside_request()) return start_read(std::move(done), room);
      context_.connections.wait(*this, Waiting::first_byte);
      const bool received = read_now(room) == Transfer::State::done;
      received ? step(std::move(done)) : start_read(std::move(done), room);
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
    auto& output = connection_.output();
    while (!output.empty()) {
      std::array<iovec, kPartsPerWrite> parts;
      const auto written = channel_.write(std::span(parts).first(output.gather(parts)));
      if (written.state == Transfer::State::ended) return false;
      if (written.state != Transfer::State::done) {
        write_needs_ = written.state;
        return true;
      }
      output.sent(written.bytes);
    }
    return true;
  }

  // False when the connection is broken, or the peer took nothing for too long.
  asio::awaitable<bool> write_rest() {
    timed_request_ = kNoRequest;
    while (!connection_.output().empty()) {
      context_.connections.wait(*this, Waiting::reader);
      const auto [error] = co_await socket_.async_wait(readiness_for(write_needs_), kAwait);
      if (error || !write_now()) co_return false;
    }
    co_return true;
  }

  // The deadline of what is to be read. Whether it belongs to a request that has begun.
  bool start_waiting() {
    const bool inside = connection_.is_inside_request();
    if (!inside) {
      context_.connections.wait(*this, Waiting::first_byte);
    } else if (std::exchange(timed_request_, connection_.request_number()) != connection_.request_number()) {
      // Once for each request, however many reads it takes.
      context_.connections.wait(*this, Waiting::request);
    }
    return inside;
  }

  void start_read(std::unique_ptr<Done> done, std::span<char> room) {
    const bool inside = start_waiting();
    socket_.async_read_some(asio::buffer(room.data(), room.size()), OnRead{this, std::move(done), room, inside});
  }

  void start_wait(std::unique_ptr<Done> done, std::span<char> room, Transfer::State needs) {
    OnRead then{this, std::move(done), room, start_waiting()};
    socket_.async_wait(readiness_for(needs),
                       [then = std::move(then)](const boost::system::error_code& error) mutable { then(error, 0); });
  }

  static tcp::socket::wait_type readiness_for(Transfer::State needs) noexcept {
    return needs == Transfer::State::needs_write ? tcp::socket::wait_write : tcp::socket::wait_read;
  }

  // False when the peer has closed, or kept us waiting too long.
  bool on_read(const boost::system::error_code& error, std::size_t bytes, std::span<char> room, bool inside) {
    if (!error) connection_.received(bytes);
    if (inside && overdue()) {
      connection_.time_out();
      return true;
    }
    if (error == asio::error::operation_aborted && !overdue()) {  // the table drains
      return read_now(room) == Transfer::State::done;
    }
    return !error;
  }

  // What has come already; without waiting, and without the way through the reactor.
  Transfer::State read_now(std::span<char> room) {
    const auto read = channel_.read(room);
    if (read.state == Transfer::State::done) connection_.received(read.bytes);
    return read.state;
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

  // False when the peer has gone.
  asio::awaitable<bool> hold() {
    const auto held = connection_.take_held();
    std::string failure;
    try {
      held->start(doorbell());
      for (;;) {
        if (auto response = held->poll(hurry())) {
          connection_.answer(*std::move(response));
          co_return true;
        }
        if (!co_await stirred()) co_return false;
      }
    } catch (const std::exception& error) {
      failure = error.what();
    }
    connection_.answer_failure(failure);
    co_return true;
  }

  // False when the peer has gone, or takes nothing.
  asio::awaitable<bool> stream() {
    const ServerStats::Counted counted(context_.stats.streams);
    connection_.stream().start(doorbell());
    for (;;) {
      const auto state = connection_.pull(hurry());
      if (!write_now()) co_return false;
      if (!connection_.output().empty() && !co_await write_rest()) co_return false;
      if (state == BodyStream::State::ended) co_return true;
      if (state == BodyStream::State::dry && !co_await stirred()) co_return false;
      if (state == BodyStream::State::more) co_await others();
    }
  }

  // A long body whose reader is quick mustn't keep them waiting.
  asio::awaitable<void> others() {
    context_.connections.wait(*this, Waiting::handler);
    co_await asio::post(socket_.get_executor(), asio::use_awaitable);
  }

  [[nodiscard]] Hurry hurry() const noexcept { return context_.connections.draining() ? Hurry::stopping : Hurry::no; }

  Wake doorbell() {
    if (!bell_) bell_ = std::make_shared<Doorbell>(socket_.get_executor());
    return [bell = bell_.get()] { bell->ring(); };
  }

  // Until there may be more to tell, or the daemon stops. False when the peer has gone.
  asio::awaitable<bool> stirred() {
    context_.connections.wait(*this, Waiting::event);
    for (;;) {
      const auto room = connection_.room_ahead();
      if (room.empty()) break;  // it has sent a lot meanwhile: the rest may wait
      const auto read = read_now(room);
      if (read == Transfer::State::ended) co_return false;
      if (read == Transfer::State::done) continue;
      bell_->ring_when(socket_, readiness_for(read));
      break;
    }
    co_await bell_->wait();
    co_return true;
  }

  // Closing with unread bytes resets the connection, and the peer may lose the answer: let it close first.
  asio::awaitable<void> linger() {
    channel_.finish();
    context_.connections.wait(*this, Waiting::close);
    std::array<char, kLingerReadBytes> unwanted;
    for (std::size_t reads = 0; reads < kLingerReads && !overdue(); ++reads) {
      const auto [error, bytes] = co_await socket_.async_read_some(asio::buffer(unwanted), kAwait);
      if (error) break;
    }
  }

  Channel& channel_;
  tcp::socket& socket_;
  const ServerContext& context_;
  Connection connection_;
  const bool joined_;
  std::uint64_t timed_request_ = kNoRequest;  ///< the request that has its deadline
  Transfer::State write_needs_ = Transfer::State::needs_write;
  std::shared_ptr<Doorbell> bell_;  ///< once something was held or streamed
};

}  // namespace

asio::awaitable<std::optional<std::string>> serve(Channel& channel, ServerContext context) {
  try {
    Session session(channel, context);
    auto run = session.run();
    co_return co_await std::move(run);
  } catch (const std::exception& error) {
    log::error("http", "a connection ended with a defect: {}", error.what());
    co_return std::nullopt;
  }
}

}  // namespace rollcall::http::h1
