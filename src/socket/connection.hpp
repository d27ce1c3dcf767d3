#pragma once
// What one connection does next, decided without a socket: bytes go in, answers come out. session.cpp carries it out.
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "codec/frame.hpp"
#include "socket/burst.hpp"
#include "socket/read_buffer.hpp"
#include "socket/session.hpp"

namespace rollcall::socket {

class Connection {
 public:
  enum class Next : std::uint8_t {
    read,    ///< write output(), then read into room() and tell received(), or finished() at the end
    write,   ///< write output(), then ask again
    await,   ///< write output(), wait for take_burst(), call settled(), then ask again
    stream,  ///< write output(), start stream(), then pull() and write until it ends
    close,   ///< write output(), then end the connection
  };

  /// Who is `trusted` needs no token where others do.
  Connection(const SessionContext& context, std::string peer_address, bool trusted);
  /// Ended by us, if nobody has told otherwise.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Answers what can be answered from the bytes at hand.
  [[nodiscard]] Next advance();

  [[nodiscard]] std::span<char> room() { return buffer_.room(); }
  void received(std::size_t bytes) noexcept { buffer_.commit(bytes); }
  /// The peer will send no more. What it has sent is still answered: it may read on.
  void finished() noexcept { finished_ = true; }

  /// A line or frame has begun and isn't whole.
  [[nodiscard]] bool is_inside_command() const noexcept { return !buffer_.unread().empty(); }
  /// Counts commands: which one is_inside_command() speaks of.
  [[nodiscard]] std::uint64_t command_number() const noexcept { return command_number_; }
  /// Something is bound to it, so it matters when its peer falls silent.
  [[nodiscard]] bool is_tied() const noexcept { return static_cast<bool>(tie_); }

  /// The commands that Next::await speaks of.
  [[nodiscard]] std::shared_ptr<Burst> take_burst() noexcept { return std::exchange(burst_, nullptr); }
  void settled(const Burst::Slots& answers);

  /// The events that Next::stream speaks of; not started yet.
  [[nodiscard]] http::BodyStream& stream() noexcept { return *stream_; }
  /// What it has goes to output(). Its end is the connection's.
  [[nodiscard]] http::BodyStream::State pull(http::Hurry hurry);

  /// The command's time is over.
  void time_out();
  /// What is bound to it learns of its end. Only the first call counts.
  void end(End how);

  [[nodiscard]] std::string_view output() const noexcept { return std::string_view(output_).substr(sent_); }
  void sent(std::size_t bytes) noexcept;

 private:
  enum class Form : std::uint8_t { unknown, frame, lines };
  static constexpr std::size_t kBeatsPerGroup = 64;

  /// False: more bytes are needed.
  [[nodiscard]] bool step();
  [[nodiscard]] bool read_frame();
  [[nodiscard]] bool read_lines();
  /// The next whole line, without its end; it stays unread until take().
  [[nodiscard]] std::optional<std::string_view> peek_line();
  void take_line(std::string_view line) noexcept;
  [[nodiscard]] bool run_line(std::string_view line);
  void give(codec::SocketCommand command);
  [[nodiscard]] bool may_write() const noexcept;
  [[nodiscard]] Result<void> may_do(const codec::SocketCommand& command) const;
  void take_token(const codec::AuthCommand& command);
  void watch(const codec::WatchCommand& command);
  void submit(codec::SocketCommand command);
  /// The beats of this group, in one go.
  void send_beats();
  void beat(std::span<const std::string_view> ids);

  [[nodiscard]] bool is_full() const noexcept;
  void answer(const Result<codec::SocketAnswer>& outcome);
  void append(const codec::SocketAnswer& answer);
  void refuse_and_close(Error fault);

  const SessionContext& context_;
  const std::string peer_address_;
  ReadBuffer buffer_;
  codec::FrameReader frame_;
  Form form_ = Form::unknown;
  bool closing_ = false;
  bool finished_ = false;
  TieId tie_;
  std::optional<http::Role> role_;
  std::size_t searched_ = 0;                            ///< of the unread bytes, without having met a line's end
  std::array<std::string_view, kBeatsPerGroup> beats_;  // in the buffer
  std::size_t beat_count_ = 0;
  std::shared_ptr<Burst> burst_;
  std::unique_ptr<http::BodyStream> stream_;
  std::string output_;
  std::size_t sent_ = 0;
  std::size_t answers_ = 0;  ///< in output_
  std::uint64_t command_number_ = 0;
};

}  // namespace rollcall::socket
