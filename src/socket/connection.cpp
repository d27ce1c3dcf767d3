#include "socket/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "codec/line.hpp"

namespace rollcall::socket {
namespace {

using codec::SocketAnswer;
using codec::SocketCommand;

constexpr std::size_t kFrameLengthBytes = 2;
constexpr std::size_t kLineEndBytes = 2;

// Written by one thread alone, so that no locked instruction is needed.
void bump(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

std::size_t longest_command(const SocketLimits& limits) {
  const auto frame = kFrameLengthBytes + limits.frame_header_bytes + limits.frame_bytes;
  return std::max(frame, limits.line_bytes + kLineEndBytes);
}

/// Reading is answered at once, heartbeats mostly.
bool waits_for_commit(const SocketCommand& command) noexcept {
  return !std::holds_alternative<codec::AuthCommand>(command) &&
         !std::holds_alternative<codec::WatchCommand>(command) &&
         !std::holds_alternative<codec::QueryCommand>(command) &&
         !std::holds_alternative<codec::HeartbeatCommand>(command);
}

std::string_view without_return(std::string_view line) noexcept {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool binds(const SocketCommand& command) noexcept {
  const auto* wanted = std::get_if<codec::RegisterCommand>(&command);
  return std::holds_alternative<codec::ResumeCommand>(command) || (wanted != nullptr && wanted->bound_grace);
}

}  // namespace

Connection::Connection(const SessionContext& context, std::string peer_address, bool trusted)
    : context_(context),
      peer_address_(std::move(peer_address)),
      buffer_(longest_command(context.limits)),
      frame_({context.limits.frame_header_bytes, context.limits.frame_bytes}),
      role_(trusted || context.access.tokens.empty() ? std::optional(http::Role::admin) : std::nullopt) {}

Connection::~Connection() { end(End::by_us); }

Connection::Next Connection::advance() {
  while (!closing_) {
    if (burst_) return Next::await;
    if (is_full()) return Next::write;
    if (!step()) break;
  }
  if (burst_) return Next::await;
  if (stream_) return Next::stream;
  return closing_ ? Next::close : Next::read;
}

bool Connection::step() {
  const auto unread = buffer_.unread();
  if (form_ == Form::unknown && !unread.empty()) {
    form_ = codec::begins_frame(unread.front()) ? Form::frame : Form::lines;
  }
  const bool progressed = form_ == Form::frame ? read_frame() : form_ == Form::lines && read_lines();
  if (progressed) return true;
  if (finished_ && is_inside_command()) {
    refuse_and_close({ErrorCode::invalid, "ends before it is whole", "command"});
  }
  // Idle: nothing is in hand that a stop would have to wait for.
  closing_ |= finished_ || (context_.connections.draining() && !is_inside_command());
  return false;
}

bool Connection::read_frame() {
  auto content = frame_.read(buffer_.unread());
  if (!content) {
    refuse_and_close(std::move(content.error()));
    return true;
  }
  if (!*content) return false;
  closing_ = true;
  auto command = codec::decode_command(**content, codec::UnknownMembers::ignored, context_.model);
  // One request, one answer: what follows it isn't looked at.
  buffer_.consume(buffer_.unread().size());
  command ? give(*std::move(command)) : answer(std::unexpected(std::move(command.error())));
  return true;
}

// Heartbeats are gathered, for many cost little more than one. Writes wait for their commits side by side. What reads
// lets those finish first that came before it.
bool Connection::read_lines() {
  bool progressed = false;
  while (!closing_ && !is_full()) {
    const auto line = peek_line();
    if (!line) break;
    const auto text = without_return(*line);
    if (const auto id = may_write() ? codec::plain_heartbeat(text, context_.model) : std::nullopt) {
      if (burst_) break;
      beats_[beat_count_++] = *id;
      if (beat_count_ == kBeatsPerGroup) send_beats();
    } else if (text.find_first_not_of(" \t") != text.npos && !run_line(text)) {
      break;
    }
    take_line(*line);
    progressed = true;
    if (burst_ && burst_->size() >= context_.limits.pipelined_commands) break;
  }
  send_beats();
  return progressed;
}

/// False: it has to wait for others.
bool Connection::run_line(std::string_view line) {
  send_beats();
  auto command = codec::decode_line(line, context_.model);
  if (burst_ && command && !waits_for_commit(*command)) return false;
  command ? give(*std::move(command)) : answer(std::unexpected(std::move(command.error())));
  return true;
}

std::optional<std::string_view> Connection::peek_line() {
  const auto unread = buffer_.unread();
  const auto end = unread.find('\n', searched_);
  const auto length = std::min(end, unread.size());
  if (length > context_.limits.line_bytes + 1) {
    send_beats();
    refuse_and_close({ErrorCode::too_large, fmt::format("has more than {} bytes", context_.limits.line_bytes), "line"});
    return std::nullopt;
  }
  if (end == unread.npos) {
    searched_ = unread.size();
    return std::nullopt;
  }
  searched_ = end;
  return unread.substr(0, end);
}

/// `line` stays where it is until the next room().
void Connection::take_line(std::string_view line) noexcept {
  buffer_.consume(line.size() + 1);
  searched_ = 0;
  ++command_number_;
}

bool Connection::may_write() const noexcept { return role_ && *role_ != http::Role::read; }

Result<void> Connection::may_do(const SocketCommand& command) const {
  if (may_write() || std::holds_alternative<codec::AuthCommand>(command)) return {};
  if (!role_) return fail(ErrorCode::unauthorized, "is needed first: auth TOKEN", "token");
  if (std::holds_alternative<codec::QueryCommand>(command)) return {};
  if (std::holds_alternative<codec::WatchCommand>(command)) return {};
  return fail(ErrorCode::forbidden, "may only read", "token");
}

// Guessing costs a connection each time.
void Connection::take_token(const codec::AuthCommand& command) {
  const auto role = http::role_of("Bearer " + command.token, context_.access);
  if (!role && !context_.access.tokens.empty()) {
    return refuse_and_close({ErrorCode::unauthorized, "is none of ours", "token"});
  }
  role_ = role.value_or(http::Role::admin);
  answer(SocketAnswer::ok());
}

void Connection::give(SocketCommand command) {
  if (auto ok = may_do(command); !ok) return answer(std::unexpected(std::move(ok.error())));
  if (const auto* wanted = std::get_if<codec::AuthCommand>(&command)) return take_token(*wanted);
  if (const auto* wanted = std::get_if<codec::HeartbeatCommand>(&command)) {
    const std::string_view id = wanted->id.view();
    return beat({&id, 1});
  }
  bump(context_.stats.commands);
  if (const auto* wanted = std::get_if<codec::QueryCommand>(&command)) {
    return answer(SocketAnswer{SocketAnswer::Kind::json, context_.commands.query(wanted->service)});
  }
  if (const auto* wanted = std::get_if<codec::WatchCommand>(&command)) return watch(*wanted);
  if (binds(command)) {
    if (form_ == Form::frame) {
      return answer(fail(ErrorCode::invalid, "needs a connection that stays open: send lines", "bound"));
    }
    if (!tie_) tie_ = context_.commands.tie();
  }
  submit(std::move(command));
}

// The last command of its connection.
void Connection::watch(const codec::WatchCommand& command) {
  auto stream = context_.commands.watch(command);
  if (!stream) return answer(std::unexpected(std::move(stream.error())));
  stream_ = *std::move(stream);
  closing_ = true;
}

http::BodyStream::State Connection::pull(http::Hurry hurry) {
  return stream_->pull(output_, context_.limits.pipelined_bytes, hurry);
}

void Connection::submit(SocketCommand command) {
  if (!burst_) burst_ = std::make_shared<Burst>();
  const Caller caller{peer_address_, binds(command) ? tie_ : TieId{}};
  context_.commands.submit(std::move(command), caller, burst_->add());
}

void Connection::send_beats() {
  if (const auto count = std::exchange(beat_count_, 0); count != 0) beat(std::span(beats_).first(count));
}

void Connection::beat(std::span<const std::string_view> ids) {
  std::array<Heard, kBeatsPerGroup> heard;
  context_.commands.heartbeat(ids, std::span(heard).first(ids.size()));
  bump(context_.stats.commands, ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (heard[i] == Heard::undecided) {
      submit(codec::HeartbeatCommand{InstanceId(ids[i])});
    } else {
      answer(heard[i] == Heard::yes ? SocketAnswer::ok() : SocketAnswer::not_found());
    }
  }
}

bool Connection::is_full() const noexcept {
  return answers_ >= context_.limits.pipelined_commands || output().size() >= context_.limits.pipelined_bytes;
}

void Connection::settled(const Burst::Slots& answers) {
  for (const auto& outcome : answers) answer(*outcome);
}

void Connection::answer(const Result<SocketAnswer>& outcome) {
  if (burst_) return burst_->add(outcome);
  if (outcome) return append(*outcome);
  if (outcome.error().code == ErrorCode::not_found) return append(SocketAnswer::not_found());
  bump(context_.stats.refused_commands);
  context_.complaints.add(peer_address_, outcome.error());
  append(SocketAnswer::error());
}

void Connection::append(const SocketAnswer& answer) {
  ++answers_;
  form_ == Form::frame ? codec::append_frame(output_, answer) : codec::append_line(output_, answer);
}

void Connection::refuse_and_close(Error fault) {
  closing_ = true;
  answer(std::unexpected(std::move(fault)));
}

void Connection::time_out() { refuse_and_close({ErrorCode::timeout, "took too long to arrive", "command"}); }

void Connection::end(End how) {
  if (tie_) context_.commands.untie(std::exchange(tie_, {}), how);
}

void Connection::sent(std::size_t bytes) noexcept {
  sent_ += bytes;
  if (sent_ < output_.size()) return;
  sent_ = answers_ = 0;
  // A long answer's memory isn't kept for the many short ones.
  if (output_.capacity() > context_.limits.pipelined_bytes) output_ = {};
  output_.clear();
}

}  // namespace rollcall::socket
