#pragma once
// An event stream's bytes to its events (HTML standard, 9.2.6), in whatever slices they come.
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace rollcall::codec {

struct ServerSentEvent {
  std::string name;  ///< empty: a "message"
  std::string data;  ///< its lines, divided by LF
};

class EventReader {
 public:
  /// No event is longer than `most_bytes`, nor any line.
  explicit EventReader(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  /// The bytes that come next. False: an event is too long, and there is nothing more to be read.
  [[nodiscard]] bool feed(std::string_view bytes);

  /// Of what was fed. Nullopt: more has to come first.
  [[nodiscard]] std::optional<ServerSentEvent> next();

  /// Where to go on after a broken connection. Also moved by ids that come without an event.
  [[nodiscard]] const std::string& last_id() const noexcept { return last_id_; }
  /// How long to wait before that, if the stream says so.
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry() const noexcept { return retry_; }

 private:
  [[nodiscard]] std::optional<std::string_view> take_line();
  [[nodiscard]] std::optional<ServerSentEvent> take(std::string_view line);
  void take_field(std::string_view name, std::string_view value);
  [[nodiscard]] std::optional<ServerSentEvent> dispatch();

  const std::size_t most_bytes_;
  std::string buffer_;
  std::size_t read_ = 0;       ///< of buffer_
  std::size_t searched_ = 0;   ///< of buffer_, for a line's end
  bool after_return_ = false;  ///< a CR has ended the last line: an LF right behind it is part of that end
  bool begun_ = false;         ///< a byte order mark may come before the first line alone
  ServerSentEvent event_;      ///< so far; each line of its data has an LF
  std::string id_;
  std::string last_id_;
  std::optional<std::chrono::milliseconds> retry_;
};

}  // namespace rollcall::codec
