#include "http/h2/connection.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <utility>
#include <variant>

#include "http/h2/callbacks.hpp"
#include "http/h2/request_fields.hpp"
#include "http/h2/response_head.hpp"

namespace rollcall::http::h2 {
namespace {

using std::chrono::minutes;

// What an idle connection may keep.
constexpr std::size_t kKeptBytes = 16 * 1024;
constexpr std::size_t kKeptStreams = 64;
// Slices of bodies that are made while others wait for their turn.
constexpr std::size_t kSlicesPerTurn = 8;

void check(int error) {
  if (error == NGHTTP2_ERR_NOMEM) throw std::bad_alloc();
}

std::string_view what_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

}  // namespace

Connection::Connection(Parts parts)
    : context_(parts.context),
      limits_(parts.context.limits),
      executor_(std::move(parts.executor)),
      ring_(std::move(parts.ring)),
      link_(std::make_shared<Link>(this, std::move(parts.peer_address))),
      session_(make_session(*this, limits_)) {}

Connection::~Connection() {
  link_->connection = nullptr;
  abandon();
  nghttp2_session_del(session_);
}

void Connection::abandon() noexcept {
  for (const auto& stream : open_) {
    stream->open = false;
    stream->out.clear();
  }
}

void Connection::receive(std::string_view bytes) {
  if (failed_ || bytes.empty()) return;
  const auto taken =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  failed_ = taken < 0;
}

void Connection::advance() {
  // What is stirred meanwhile has its turn next time: ring_ was called for it.
  for (auto* stream : std::exchange(stirred_, {})) look_after(*stream);
  slices_ = 0;
  gather();
}

void Connection::gather() {
  if (sent_ != 0) output_.erase(0, std::exchange(sent_, 0));
  while (!failed_ && !output_is_full()) {
    const std::uint8_t* bytes = nullptr;
    const auto size = nghttp2_session_mem_send(session_, &bytes);
    if (size == 0) return;
    failed_ = size < 0;
    if (size > 0) output_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
}

void Connection::sent(std::size_t bytes) noexcept {
  sent_ += bytes;
  if (sent_ != output_.size()) return;
  if (output_.capacity() > kKeptBytes) output_ = std::string();
  output_.clear();
  sent_ = 0;
}

bool Connection::output_is_full() const noexcept { return output().size() >= limits_.h2_output_bytes; }

bool Connection::wants_input() const noexcept {
  return !failed_ && !output_is_full() && nghttp2_session_want_read(session_) != 0;
}

bool Connection::over() const noexcept {
  if (!output().empty()) return false;
  return failed_ || (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0);
}

Hurry Connection::hurry() const noexcept { return draining_ ? Hurry::stopping : Hurry::no; }

Stream& Connection::open_stream(std::int32_t id) {
  StreamPtr stream;
  if (spare_.empty()) {
    stream = std::make_shared<Stream>();
  } else {
    stream = std::move(spare_.back());
    spare_.pop_back();
  }
  stream->id = id;
  stream->slot = open_.size();
  stream->began = context_.connections.now();
  stream->open = true;
  stream->in.request.peer_address = link_->peer_address;
  ++requests_;
  set_partial(*stream, true);
  return *open_.emplace_back(std::move(stream));
}

void Connection::close_stream(Stream& stream) {
  set_partial(stream, false);
  set_sending(stream, false);
  bodies_bytes_ -= stream.in.body.size();
  if (std::exchange(stream.stirred, false)) std::erase(stirred_, &stream);
  stream.open = false;
  auto owned = std::move(open_[stream.slot]);
  if (stream.slot + 1 != open_.size()) {
    open_[stream.slot] = std::move(open_.back());
    open_[stream.slot]->slot = stream.slot;
  }
  open_.pop_back();
  owned->out.clear();
  if (owned->running) return;  // the coroutine still reads the request
  owned->in.clear();
  if (spare_.size() < kKeptStreams) spare_.push_back(std::move(owned));
}

void Connection::set_partial(Stream& stream, bool partial) noexcept {
  if (std::exchange(stream.partial, partial) != partial) partial ? ++partial_ : --partial_;
}

void Connection::set_sending(Stream& stream, bool sending) noexcept {
  if (std::exchange(stream.sending, sending) != sending) sending ? ++sending_ : --sending_;
}

void Connection::request_header_done(Stream& stream) {
  stream.in.header_whole = true;
  if (auto refusal = std::exchange(stream.in.refusal, std::nullopt)) return refuse(stream, *std::move(refusal));
  if (!stream.in.expects_continue) return;
  std::uint8_t name[] = ":status";
  std::uint8_t value[] = "100";
  const nghttp2_nv status{name, value, sizeof name - 1, sizeof value - 1, NGHTTP2_NV_FLAG_NONE};
  check(nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id, nullptr, &status, 1, nullptr));
}

void Connection::request_body(Stream& stream, std::string_view bytes) {
  if (stream.out.submitted) return discard(stream, bytes.size());
  auto& body = stream.in.body;
  if (body.size() + bytes.size() > limits_.body_bytes) return refuse(stream, body_refusal(limits_));
  if (bodies_bytes_ + bytes.size() > limits_.h2_bodies_bytes) {
    return refuse(stream, {503, {ErrorCode::overloaded, "the bodies on this connection are too many at one time", {}}});
  }
  body += bytes;
  bodies_bytes_ += bytes.size();
}

void Connection::request_done(Stream& stream) {
  stream.in.header_whole = stream.in.whole = true;
  set_partial(stream, false);
  if (stream.out.submitted) return;
  if (auto refusal = std::exchange(stream.in.refusal, std::nullopt)) return refuse(stream, *std::move(refusal));
  stream.in.request.body = stream.in.body;
  answer_to_request(stream);
}

void Connection::answer_to_request(Stream& stream) {
  auto from = answer_to(stream.in.request, context_);
  if (auto* ready = std::get_if<Response>(&from)) {
    answer(stream, std::move(*ready));
  } else if (auto* held = std::get_if<std::unique_ptr<HeldAnswer>>(&from)) {
    hold(stream, std::move(*held));
  } else if (running_ < limits_.h2_streams) {
    run(stream, std::get<boost::asio::awaitable<Response>>(std::move(from)));
  } else {
    // Those of streams that were given up run on: giving up mustn't make room for ever more.
    refuse(stream, {503, {ErrorCode::overloaded, "too much is in hand for this connection", {}}});
  }
}

void Connection::run(Stream& stream, boost::asio::awaitable<Response> answering) {
  ++running_;
  stream.running = true;
  auto done = [link = link_, kept = open_[stream.slot]](const std::exception_ptr& failure, Response response) {
    if (link->connection != nullptr) link->connection->finished(*kept, failure, std::move(response));
  };
  boost::asio::co_spawn(executor_, std::move(answering), std::move(done));
}

void Connection::finished(Stream& stream, const std::exception_ptr& failure, Response&& response) {
  --running_;
  stream.running = false;
  if (stream.open) {
    answer(stream, failure ? failure_answer(stream.in.request, what_of(failure)) : std::move(response));
  }
  ring_();
}

void Connection::hold(Stream& stream, std::unique_ptr<HeldAnswer> held) {
  stream.out.held = std::move(held);
  try {
    stream.out.held->start(wake_of(stream));
  } catch (const std::exception& error) {
    stream.out.held = nullptr;
    answer(stream, failure_answer(stream.in.request, error.what()));
  }
  stir(stream);
}

Wake Connection::wake_of(Stream& stream) {
  return [this, &stream] { stir(stream); };
}

void Connection::stir(Stream& stream) {
  if (std::exchange(stream.stirred, true)) return;
  stirred_.push_back(&stream);
  ring_();
}

void Connection::look_after(Stream& stream) {
  stream.stirred = false;
  auto& out = stream.out;
  if (out.held) return poll(stream);
  out.dry = false;
  if (!std::exchange(out.deferred, false)) return;
  set_sending(stream, true);
  check(nghttp2_session_resume_data(session_, stream.id));
}

void Connection::poll(Stream& stream) {
  try {
    auto response = stream.out.held->poll(hurry());
    if (!response) return;
    stream.out.held = nullptr;
    answer(stream, *std::move(response));
  } catch (const std::exception& error) {
    stream.out.held = nullptr;
    answer(stream, failure_answer(stream.in.request, error.what()));
  }
}

void Connection::refuse(Stream& stream, Refusal refusal) { answer(stream, problem(refusal.status, refusal.error)); }

void Connection::answer(Stream& stream, Response&& response) {
  complete(stream.in.request, response, context_);
  context_.stats.count_answer(response.status);
  stream.out.response = std::move(response);
  submit(stream);
}

void Connection::submit(Stream& stream) {
  auto& out = stream.out;
  out.submitted = true;
  const auto fields = fields_of(out, context_.connections.date());
  const bool has_body = sends_body(out.response, stream.in.request.method);
  const auto body = body_of(stream);
  check(nghttp2_submit_response(session_, stream.id, fields.data(), fields.size(), has_body ? &body : nullptr));
  has_body ? start_body(stream) : void(out.response.stream = nullptr);
}

void Connection::start_body(Stream& stream) {
  auto& out = stream.out;
  set_sending(stream, true);
  if (!out.response.stream) {
    out.left = out.response.body.size();
    out.ended = true;
    return;
  }
  out.counted.emplace(context_.stats.streams);
  out.response.stream->start(wake_of(stream));
}

std::size_t Connection::next_body_bytes(Stream& stream, std::size_t room) {
  auto& out = stream.out;
  if (out.left == 0 && !out.ended && !out.dry) slices_ < kSlicesPerTurn ? pull(stream) : stir(stream);
  if (out.left == 0 && !out.ended) set_sending(stream, false);
  return std::min(room, out.left);
}

void Connection::pull(Stream& stream) {
  auto& out = stream.out;
  out.streamed.clear();
  out.sent_of_piece = 0;
  const auto state = out.response.stream->pull(out.streamed, limits_.stream_bytes, hurry());
  out.left = out.streamed.size();
  out.ended = state == BodyStream::State::ended;
  out.dry = state == BodyStream::State::dry;
  if (!out.dry) ++slices_;
  if (out.ended) out.response.stream = nullptr;
  // It is asked again though it has nothing: at the next turn, so that others have theirs.
  const bool go_on = state == BodyStream::State::more || hurry() == Hurry::stopping;
  if (!out.ended && out.left == 0 && go_on) stir(stream);
}

void Connection::append_body(Stream& stream, std::size_t bytes) {
  auto& out = stream.out;
  out.left -= bytes;
  if (!out.streamed.empty()) {
    output_.append(out.streamed, out.sent_of_piece, bytes);
    out.sent_of_piece += bytes;
    return;
  }
  while (bytes != 0) {
    const auto piece = out.response.body.piece(out.piece).substr(out.sent_of_piece);
    const auto part = piece.substr(0, bytes);
    output_ += part;
    bytes -= part.size();
    out.sent_of_piece += part.size();
    if (part.size() != piece.size()) continue;
    ++out.piece;
    out.sent_of_piece = 0;
  }
}

void Connection::answer_sent(Stream& stream) {
  set_sending(stream, false);
  stream.out.sent = true;
  if (stream.in.given_up) reset(stream, NGHTTP2_NO_ERROR);
}

// A reset overtakes what isn't sent yet: the answer goes first.
void Connection::give_up(Stream& stream) {
  if (std::exchange(stream.in.given_up, true)) return;
  set_partial(stream, false);
  if (stream.out.sent) reset(stream, NGHTTP2_NO_ERROR);
}

// The rest of a request that is answered already is wanted by nobody (RFC 9113, 8.1). But clients that are stopped
// while they send may not look at the answer: they are let, for a while.
void Connection::discard(Stream& stream, std::size_t bytes) {
  stream.in.discarded_bytes += bytes;
  if (stream.in.discarded_bytes > limits_.body_bytes) give_up(stream);
}

void Connection::reset(Stream& stream, std::uint32_t error_code) {
  check(nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, error_code));
}

void Connection::time_out_requests() {
  const auto now = context_.connections.now();
  for (const auto& stream : open_) {
    if (!stream->partial || now - stream->began < limits_.request_timeout) continue;
    // Within a header no other frame may be sent or received: the connection hangs on it.
    if (!stream->in.header_whole) return end(NGHTTP2_NO_ERROR);
    give_up(*stream);
    if (stream->out.submitted) continue;
    refuse(*stream, {408, {ErrorCode::timeout, "the request took too long to arrive", {}}});
  }
}

void Connection::drain() {
  if (std::exchange(draining_, true)) return;
  const auto last = nghttp2_session_get_last_proc_stream_id(session_);
  check(nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0));
  for (const auto& stream : open_) stir(*stream);
}

void Connection::count_reset() {
  const auto now = context_.connections.now();
  if (now - resets_since_ >= minutes(1)) {
    resets_since_ = now;
    resets_ = 0;
  }
  if (++resets_ > limits_.h2_resets_per_minute) end(NGHTTP2_ENHANCE_YOUR_CALM);
}

void Connection::end(std::uint32_t error_code) { check(nghttp2_session_terminate_session(session_, error_code)); }

}  // namespace rollcall::http::h2
