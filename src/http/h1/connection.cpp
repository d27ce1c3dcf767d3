#include "http/h1/connection.hpp"

#include <utility>
#include <variant>

namespace rollcall::http::h1 {
namespace {

// Beside the longest header, room for a chunk's header or its trailer.
constexpr std::size_t kRoomBesideHeader = 4 * 1024;

// What a client that knows that this is HTTP/2 begins with (RFC 9113, 3.4).
constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

}  // namespace

Connection::Connection(const ServerContext& context, std::string peer_address)
    : context_(context),
      peer_address_(std::move(peer_address)),
      buffer_(context.limits.header_bytes + kRoomBesideHeader),
      parser_(context.limits) {}

Connection::Next Connection::advance() {
  const auto& limits = context_.limits;
  if (stream_) return Next::stream;
  while (!closing_) {
    if (output_.answers() >= limits.pipelined_requests || output_.size() >= limits.pipelined_bytes) return Next::write;
    if (request_number_ == 0 && begins_like_http2()) return is_http2() ? Next::switch_protocol : Next::read;
    if (!feed()) return closing_ ? Next::close : Next::read;
    dispatch();
    if (pending_) return Next::await;
    if (held_) return Next::hold;
    if (stream_) return Next::stream;
  }
  return Next::close;
}

bool Connection::begins_like_http2() const noexcept {
  const auto unread = buffer_.unread();
  return buffer_.is_before_request() && !unread.empty() &&
         kHttp2Preface.starts_with(unread.substr(0, kHttp2Preface.size()));
}

bool Connection::is_http2() const noexcept { return buffer_.unread().size() >= kHttp2Preface.size(); }

bool Connection::feed() {
  const auto unread = buffer_.unread();
  if (unread.empty()) {
    // Idle: nothing is in hand that a stop would have to wait for.
    closing_ = context_.connections.draining() && !is_inside_request();
    return false;
  }
  buffer_.consume(parser_.feed(unread));
  switch (parser_.state()) {
    case RequestParser::State::complete:
      return true;
    case RequestParser::State::failed:
      refuse_and_close(parser_.refusal());
      return false;
    case RequestParser::State::body:
      if (parser_.take_expect_continue()) output_.add_continue();
      return false;
    case RequestParser::State::header:
      return false;
  }
  std::unreachable();
}

boost::asio::awaitable<Response> Connection::take_pending() {
  auto pending = *std::move(pending_);
  pending_.reset();
  return pending;
}

void Connection::dispatch() {
  auto& request = parser_.request();
  request.peer_address = peer_address_;
  auto from = answer_to(request, context_);
  if (auto* ready = std::get_if<Response>(&from)) {
    answer(std::move(*ready));
  } else if (auto* held = std::get_if<std::unique_ptr<HeldAnswer>>(&from)) {
    held_ = std::move(*held);
  } else {
    pending_.emplace(std::get<boost::asio::awaitable<Response>>(std::move(from)));
  }
}

void Connection::answer(Response&& response) {
  complete(parser_.request(), response, context_);
  finish(std::move(response), !parser_.keep_alive() || context_.connections.draining());
}

void Connection::answer_failure(std::string_view what) { answer(failure_answer(parser_.request(), what)); }

void Connection::finish(Response&& response, bool close) {
  context_.stats.count_answer(response.status);
  const bool head_only = parser_.request().method == Method::head;
  if (response.stream) {
    stream_is_chunked_ = !parser_.is_http10();
    close = close || !stream_is_chunked_;  // HTTP/1.0 has no other end
  }
  const bool say_keep_alive = parser_.is_http10() && !close;
  auto stream = output_.add(std::move(response),
                            {head_only, stream_is_chunked_, close, say_keep_alive, context_.connections.date()});
  if (!head_only) stream_ = std::move(stream);
  closing_ = close;
  pending_.reset();
  parser_.reset();
  ++request_number_;
  buffer_.start_request();
}

BodyStream::State Connection::pull(Hurry hurry) {
  std::string bytes;
  const auto state = stream_->pull(bytes, context_.limits.stream_bytes, hurry);
  output_.add_streamed(bytes, state == BodyStream::State::ended, stream_is_chunked_);
  if (state == BodyStream::State::ended) stream_ = nullptr;
  return state;
}

void Connection::refuse_and_close(Response&& response) {
  closing_ = true;
  context_.stats.count_answer(response.status);
  (void)output_.add(std::move(response), {.close = true, .date = context_.connections.date()});
}

std::span<char> Connection::room_ahead() {
  const auto* from = buffer_.request_data();
  const auto room = buffer_.room(parser_.header_bytes());
  if (buffer_.request_data() != from) parser_.rebase(from, buffer_.request_data());
  return room;
}

std::span<char> Connection::room() {
  const auto room = room_ahead();
  if (room.empty()) {
    refuse_and_close(problem(431, {ErrorCode::too_large, "a part of the request is longer than any may be", "header"}));
  }
  return room;
}

void Connection::time_out() {
  refuse_and_close(problem({ErrorCode::timeout, "the request took too long to arrive", {}}));
}

void Connection::turn_away() {
  refuse_and_close(problem({ErrorCode::overloaded, "as many connections as may be are open", {}}));
}

}  // namespace rollcall::http::h1
