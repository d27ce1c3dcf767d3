#include "http/h2/server.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "base/log.hpp"
#include "http/doorbell.hpp"
#include "http/h2/connection.hpp"

namespace rollcall::http::h2 {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kReadBytes = 64 * 1024;
// Reads before what they brought is answered, so that a peer that keeps sending keeps nobody waiting.
constexpr std::size_t kReadsPerTurn = 4;
constexpr std::size_t kWritesPerTurn = 8;
// What a peer may still send after our last frame, so that the close doesn't reset it before it has read that.
constexpr std::size_t kLingerReads = 256;

// What was read is taken before anyone else reads, so the connections of a thread share the room.
std::span<char> room() noexcept {
  thread_local std::array<char, kReadBytes> bytes;
  return bytes;
}

/// A connection on its channel: does what Connection says, and is woken by the table when it takes too long.
class Session final : public TableEntry {
 public:
  Session(Channel& channel, const ServerContext& context)
      : channel_(channel),
        socket_(channel.socket()),
        context_(context),
        bell_(std::make_shared<Doorbell>(socket_.get_executor())),
        connection_(
            {context, address_of_peer(socket_), socket_.get_executor(), [bell = bell_.get()] { bell->ring(); }}),
        joined_(context.connections.join(*this)) {
    (joined_ ? context_.stats.connections : context_.stats.connections_refused).fetch_add(1, std::memory_order_relaxed);
  }

  ~Session() {
    if (!joined_) return;
    context_.connections.leave(*this);
    context_.stats.connections.fetch_sub(1, std::memory_order_relaxed);
  }

  asio::awaitable<void> run(std::string first_bytes) {
    if (!joined_) co_return;
    connection_.receive(first_bytes);
    first_bytes = {};
    bool alive = true;
    while (alive && turn()) {
      set_deadline();
      auto waited = wait();
      co_await std::move(waited);
      alive = heed_table();
    }
    connection_.abandon();
    auto lingered = linger();
    co_await std::move(lingered);
    auto ended = await_handlers();
    co_await std::move(ended);
  }

 private:
  void on_wake() noexcept override {
    woken_ = true;
    bell_->ring();
  }

  asio::awaitable<void> wait() {
    if (again_) {  // after the others' turns
      auto others = asio::post(socket_.get_executor(), asio::use_awaitable);
      co_await std::move(others);
      co_return;
    }
    ask_for_rings();
    auto rung = bell_->wait();
    co_await std::move(rung);
  }

  // Reads, answers and writes what is possible now. False when the connection has ended.
  bool turn() {
    again_ = false;
    if (context_.connections.draining()) connection_.drain();
    if (!read()) return false;
    connection_.advance();
    if (!write()) return false;
    if (connection_.wants_turn()) again_ = true;
    return !connection_.over();
  }

  bool read() {
    needs_of_read_.reset();
    for (std::size_t reads = 0; connection_.wants_input(); ++reads) {
      if (reads == kReadsPerTurn) return again_ = true;
      const auto received = channel_.read(room());
      if (received.state == Transfer::State::ended) return false;
      if (received.state != Transfer::State::done) {
        needs_of_read_ = received.state;
        return true;
      }
      connection_.receive({room().data(), received.bytes});
      // Most likely that was all, and the reactor tells better than another read would. What TLS has taken off the
      // socket, no reactor will tell of.
      if (channel_.is_clear() && received.bytes < kReadBytes) {
        needs_of_read_ = Transfer::State::needs_read;
        return true;
      }
    }
    return true;
  }

  bool write() {
    needs_of_write_.reset();
    for (std::size_t writes = 0; !connection_.output().empty(); ++writes) {
      if (writes == kWritesPerTurn) return again_ = true;
      const auto output = connection_.output();
      const iovec part{const_cast<char*>(output.data()), output.size()};  // iovec knows no const
      const auto written = channel_.write({&part, 1});
      if (written.state == Transfer::State::ended) return false;
      if (written.state != Transfer::State::done) {
        needs_of_write_ = written.state;
        return true;
      }
      written_ = true;
      connection_.sent(written.bytes);
      // More may have waited for room; and reading, for this.
      if (connection_.output().empty() && !connection_.wants_turn()) connection_.advance();
    }
    if (!needs_of_read_ && connection_.wants_input()) again_ = true;
    return true;
  }

  void ask_for_rings() {
    for (const auto& needs : {needs_of_read_, needs_of_write_}) {
      if (!needs) continue;
      const bool to_write = *needs == Transfer::State::needs_write;
      bell_->ring_when(socket_, to_write ? tcp::socket::wait_write : tcp::socket::wait_read);
    }
  }

  // A deadline begins anew when what it waits for has come nearer.
  void set_deadline() {
    Waiting waiting = Waiting::first_byte;
    bool nearer = false;
    const auto frames = std::exchange(frames_, connection_.data_frames_sent());
    if (!connection_.output().empty()) {
      waiting = Waiting::reader;
      nearer = written_;
    } else if (connection_.is_held_up()) {
      waiting = Waiting::reader;
      nearer = frames != frames_;  // that a PING is answered brings it no nearer
    } else if (connection_.has_partial_request()) {
      waiting = Waiting::request;
    } else if (connection_.has_streams()) {
      waiting = Waiting::event;
    } else {
      nearer = std::exchange(answered_, connection_.requests()) != connection_.requests();
    }
    written_ = false;
    if (waiting == waiting_ && !nearer) return;
    waiting_ = waiting;
    context_.connections.wait(*this, waiting);
  }

  // False when the connection's time is over.
  bool heed_table() {
    if (!std::exchange(woken_, false)) return true;
    if (!std::exchange(told_to_drain_, context_.connections.draining()) && context_.connections.draining()) return true;
    if (waiting_ == Waiting::reader) return false;
    if (waiting_ == Waiting::request) {
      connection_.time_out_requests();
      context_.connections.wait(*this, Waiting::request);
    } else {
      connection_.drain();
    }
    return true;
  }

  // Closing with unread bytes resets the connection, and the peer may lose what we sent last: let it close first.
  asio::awaitable<void> linger() {
    channel_.finish();
    woken_ = false;
    context_.connections.wait(*this, Waiting::close);
    for (std::size_t reads = 0; reads < kLingerReads && !woken_;) {
      const auto received = channel_.read(room());
      if (received.state == Transfer::State::ended) break;
      if (received.state == Transfer::State::done) {
        ++reads;
        continue;
      }
      needs_of_read_ = received.state;
      needs_of_write_.reset();
      ask_for_rings();
      auto rung = bell_->wait();
      co_await std::move(rung);
    }
  }

  // They read what this thread owns: it mustn't be thought idle before they have ended.
  asio::awaitable<void> await_handlers() {
    context_.connections.wait(*this, Waiting::handler);
    while (connection_.running() != 0) {
      auto rung = bell_->wait();
      co_await std::move(rung);
    }
  }

  Channel& channel_;
  tcp::socket& socket_;
  const ServerContext& context_;
  const std::shared_ptr<Doorbell> bell_;
  Connection connection_;
  const bool joined_;
  std::optional<Transfer::State> needs_of_read_, needs_of_write_;
  Waiting waiting_ = Waiting::first_byte;
  std::uint64_t answered_ = 0, frames_ = 0;  ///< when the deadline was looked at
  bool written_ = false;                     ///< since then
  bool again_ = false;                       ///< there is more to do without waiting
  bool woken_ = false;
  bool told_to_drain_ = false;
};

}  // namespace

asio::awaitable<void> serve(Channel& channel, ServerContext context, std::string first_bytes) {
  try {
    Session session(channel, context);
    auto run = session.run(std::move(first_bytes));
    co_await std::move(run);
  } catch (const std::exception& error) {
    log::error("http", "a connection ended with a defect: {}", error.what());
  }
}

}  // namespace rollcall::http::h2
