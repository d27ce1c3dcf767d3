#include "http/h1/connection.hpp"

#include <exception>
#include <utility>
#include <variant>

#include "base/log.hpp"

namespace rollcall::http::h1 {
namespace {

// Beside the longest header, room for a chunk's header or its trailer.
constexpr std::size_t kRoomBesideHeader = 4 * 1024;

// Written by one thread alone, so that no locked instruction is needed.
void bump(std::atomic<std::uint64_t>& counter) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

bool is_not_modified(const Request& request, const Response& response) noexcept {
  if (request.if_none_match.empty() || response.etag.empty() || response.status != 200) return false;
  if (request.method != Method::get && request.method != Method::head) return false;
  return none_match_has(request.if_none_match, response.etag);
}

Response failure_answer() { return problem({ErrorCode::internal, "a defect of this program; its log tells more", {}}); }

}  // namespace

Connection::Connection(const ServerContext& context, std::string peer_address)
    : context_(context),
      peer_address_(std::move(peer_address)),
      buffer_(context.limits.header_bytes + kRoomBesideHeader),
      parser_(context.limits) {}

Connection::Next Connection::advance() {
  const auto& limits = context_.limits;
  while (!closing_) {
    if (output_.answers() >= limits.pipelined_requests || output_.size() >= limits.pipelined_bytes) return Next::write;
    if (!feed()) return closing_ ? Next::close : Next::read;
    dispatch();
    if (pending_) return Next::await;
  }
  return Next::close;
}

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
  bump(context_.stats.requests);
  auto& request = parser_.request();
  request.peer_address = peer_address_;
  if (auto refusal = refuse(request, context_.guard)) {
    answer(std::move(*refusal));
    return;
  }
  auto matched = context_.router.match(request);
  if (auto* ready = std::get_if<Response>(&matched)) {
    answer(std::move(*ready));
    return;
  }
  call(*std::get<const Handler*>(matched));
}

void Connection::call(const Handler& handler) {
  const auto& request = parser_.request();
  try {
    if (const auto* at_once = std::get_if<SyncHandler>(&handler)) {
      answer((*at_once)(request));
    } else if (const auto* later = std::get_if<AsyncHandler>(&handler)) {
      pending_.emplace((*later)(request));
    } else {
      auto result = std::get<HybridHandler>(handler)(request);
      if (auto* ready = std::get_if<Response>(&result)) {
        answer(std::move(*ready));
      } else {
        pending_.emplace(std::get<boost::asio::awaitable<Response>>(std::move(result)));
      }
    }
  } catch (const std::exception& error) {
    answer_failure(error.what());
  } catch (...) {
    answer_failure("an exception of unknown type");
  }
}

void Connection::answer(Response&& response) {
  const auto& request = parser_.request();
  if (is_not_modified(request, response)) {
    response.status = 304;
    response.body = {};
  }
  finish(std::move(response), !parser_.keep_alive() || context_.connections.draining());
}

void Connection::answer_failure(std::string_view what) {
  const auto& request = parser_.request();
  log::error("http", "the handler of {} {} failed: {}", name_of(request.method), request.path, what);
  answer(failure_answer());
}

void Connection::finish(Response&& response, bool close) {
  count(response.status);
  const bool head_only = parser_.request().method == Method::head;
  const bool say_keep_alive = parser_.is_http10() && !close;
  output_.add(std::move(response), {head_only, close, say_keep_alive, context_.connections.date()});
  closing_ = close;
  pending_.reset();
  parser_.reset();
  ++request_number_;
  buffer_.start_request();
}

void Connection::refuse_and_close(Response&& response) {
  closing_ = true;
  count(response.status);
  output_.add(std::move(response), {.close = true, .date = context_.connections.date()});
}

void Connection::count(unsigned status) noexcept {
  if (status >= 500) {
    bump(context_.stats.responses_5xx);
  } else if (status >= 400) {
    bump(context_.stats.responses_4xx);
  }
}

std::span<char> Connection::room() {
  const auto* from = buffer_.request_data();
  const auto room = buffer_.room(parser_.header_bytes());
  if (buffer_.request_data() != from) parser_.rebase(from, buffer_.request_data());
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
