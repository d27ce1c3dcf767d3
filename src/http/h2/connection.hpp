#pragma once
// HTTP/2 on one connection, decided without a socket: bytes go in, bytes come out. server.cpp carries it out.
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/h2/stream.hpp"

namespace rollcall::http::h2 {

/// All calls on one thread.
class Connection {
 public:
  struct Parts {
    const ServerContext& context;
    std::string peer_address;
    boost::asio::any_io_executor executor;  ///< of this thread, for answers that are coroutines
    std::function<void()> ring;             ///< called when advance() has something to do
  };

  explicit Connection(Parts parts);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// From the peer. Requests that are whole are answered at once where they can be.
  void receive(std::string_view bytes);

  /// Asks for the answers that were waited for, and adds to output() what the peer lets us send.
  void advance();
  /// There is more to do, and it is others' turn.
  [[nodiscard]] bool wants_turn() const noexcept { return !stirred_.empty(); }

  /// Bytes to be written, until sent() takes them off.
  [[nodiscard]] std::string_view output() const noexcept { return std::string_view(output_).substr(sent_); }
  void sent(std::size_t bytes) noexcept;

  /// Nothing is to be received while so much is to be sent, or after the end.
  [[nodiscard]] bool wants_input() const noexcept;
  /// When output() is sent, the connection has ended.
  [[nodiscard]] bool over() const noexcept;

  /// What there is to wait for.
  [[nodiscard]] bool has_streams() const noexcept { return !open_.empty(); }
  [[nodiscard]] bool has_partial_request() const noexcept { return partial_ != 0; }
  /// The peer's windows are what keeps bytes from being sent.
  [[nodiscard]] bool is_held_up() const noexcept { return sending_ != 0; }
  /// Coroutines still run, also for streams that have gone.
  [[nodiscard]] std::size_t running() const noexcept { return running_; }
  [[nodiscard]] std::uint64_t requests() const noexcept { return requests_; }
  [[nodiscard]] std::uint64_t data_frames_sent() const noexcept { return data_frames_sent_; }

  /// Requests that take longer to arrive than they may are given up.
  void time_out_requests();
  /// What is in hand is answered, nothing more is taken.
  void drain();
  /// The peer has gone: so do the answers that it waits for. Coroutines run on.
  void abandon() noexcept;

 private:
  friend struct Callbacks;
  using StreamPtr = std::shared_ptr<Stream>;
  /// What coroutines know of a connection that may be gone, and what their requests need of it.
  struct Link {
    Connection* connection;
    const std::string peer_address;
  };

  Stream& open_stream(std::int32_t id);
  void close_stream(Stream& stream);
  void request_header_done(Stream& stream);
  void request_body(Stream& stream, std::string_view bytes);
  void discard(Stream& stream, std::size_t bytes);
  void give_up(Stream& stream);
  void request_done(Stream& stream);
  void refuse(Stream& stream, Refusal refusal);
  void reset(Stream& stream, std::uint32_t error_code);
  void answer_to_request(Stream& stream);
  void run(Stream& stream, boost::asio::awaitable<Response> answering);
  void finished(Stream& stream, const std::exception_ptr& failure, Response&& response);
  void hold(Stream& stream, std::unique_ptr<HeldAnswer> held);
  void start_body(Stream& stream);
  void answer(Stream& stream, Response&& response);
  void submit(Stream& stream);
  void answer_sent(Stream& stream);

  [[nodiscard]] Wake wake_of(Stream& stream);
  void stir(Stream& stream);
  void look_after(Stream& stream);
  void poll(Stream& stream);
  void set_partial(Stream& stream, bool partial) noexcept;
  void set_sending(Stream& stream, bool sending) noexcept;

  /// How many bytes of the body are at hand, at most `room`; 0 also when there are none yet.
  [[nodiscard]] std::size_t next_body_bytes(Stream& stream, std::size_t room);
  void append_body(Stream& stream, std::size_t bytes);
  void pull(Stream& stream);

  void count_reset();
  void gather();
  void end(std::uint32_t error_code);
  [[nodiscard]] bool output_is_full() const noexcept;
  [[nodiscard]] Hurry hurry() const noexcept;

  const ServerContext& context_;
  const HttpLimits& limits_;
  const boost::asio::any_io_executor executor_;
  const std::function<void()> ring_;
  const std::shared_ptr<Link> link_;
  nghttp2_session* session_ = nullptr;

  std::vector<StreamPtr> open_;
  std::vector<StreamPtr> spare_;
  std::vector<Stream*> stirred_;
  std::string output_;
  std::size_t sent_ = 0;
  std::size_t bodies_bytes_ = 0;  ///< of the open streams' requests
  std::size_t partial_ = 0;       ///< streams whose request isn't whole
  std::size_t sending_ = 0;       ///< streams with bytes of a body that could be sent
  std::size_t running_ = 0;
  std::size_t slices_ = 0;  ///< of bodies, made in this turn
  std::uint64_t requests_ = 0;
  std::uint64_t data_frames_sent_ = 0;
  std::size_t resets_ = 0;  ///< since resets_since_
  MonoTime resets_since_{};
  bool draining_ = false;
  bool failed_ = false;
};

}  // namespace rollcall::http::h2
