#pragma once
// What one connection does next, decided without a socket: bytes go in, answers come out. server.cpp carries it out.
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/h1/output.hpp"
#include "http/h1/read_buffer.hpp"
#include "http/h1/request_parser.hpp"
#include "http/h1/server.hpp"

namespace rollcall::http::h1 {

class Connection {
 public:
  enum class Next : std::uint8_t {
    read,             ///< write what output() has, then read into room() and tell received()
    write,            ///< write what output() has, then ask again
    await,            ///< write what output() has, await take_pending(), give its response to answer(), then ask again
    hold,             ///< write what output() has, give to answer() what take_held() gives, then ask again
    stream,           ///< write what output() has, pull() until it ends, then ask again
    switch_protocol,  ///< nothing was answered and unread() begins like HTTP/2: someone else's
    close,            ///< write what output() has, then end the connection
  };

  Connection(const ServerContext& context, std::string peer_address);

  /// Answers what can be answered from the bytes at hand.
  [[nodiscard]] Next advance();

  [[nodiscard]] std::span<char> room();
  /// The same while a request is held or an answer streamed; empty when enough has been read ahead.
  [[nodiscard]] std::span<char> room_ahead();
  void received(std::size_t bytes) noexcept { buffer_.commit(bytes); }
  [[nodiscard]] std::string_view unread() const noexcept { return buffer_.unread(); }

  /// A request has begun and isn't whole.
  [[nodiscard]] bool is_inside_request() const noexcept { return buffer_.has_part_of_request(); }

  /// Counts the requests of this connection: which one is_inside_request() speaks of.
  [[nodiscard]] std::uint64_t request_number() const noexcept { return request_number_; }

  /// The answer that Next::await speaks of; not begun yet.
  [[nodiscard]] boost::asio::awaitable<Response> take_pending();
  /// The answer that Next::hold speaks of; not started yet.
  [[nodiscard]] std::unique_ptr<HeldAnswer> take_held() noexcept { return std::move(held_); }
  void answer(Response&& response);
  /// The same after an exception: a defect of ours, told to the log and not to the client.
  void answer_failure(std::string_view what);

  /// The body that Next::stream speaks of, until pull() says that it has ended; not started yet.
  [[nodiscard]] BodyStream& stream() noexcept { return *stream_; }
  /// What the body has goes to output().
  [[nodiscard]] BodyStream::State pull(Hurry hurry);

  /// The request's time is over: 408.
  void time_out();
  /// The process has as many connections as it may: 503.
  void turn_away();

  [[nodiscard]] Output& output() noexcept { return output_; }

 private:
  [[nodiscard]] bool begins_like_http2() const noexcept;
  [[nodiscard]] bool is_http2() const noexcept;
  /// Whether the bytes at hand allow another step.
  [[nodiscard]] bool feed();
  /// Gives the answer, or leaves it pending.
  void dispatch();
  void refuse_and_close(Response&& response);
  void finish(Response&& response, bool close);

  const ServerContext& context_;
  const std::string peer_address_;
  ReadBuffer buffer_;
  RequestParser parser_;
  Output output_;
  std::optional<boost::asio::awaitable<Response>> pending_;
  std::unique_ptr<HeldAnswer> held_;
  std::unique_ptr<BodyStream> stream_;
  bool stream_is_chunked_ = false;
  std::uint64_t request_number_ = 0;
  bool closing_ = false;
};

}  // namespace rollcall::http::h1
