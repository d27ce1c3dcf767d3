#include "codec/server_sent_events.hpp"

#include <charconv>
#include <utility>

namespace rollcall::codec {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::optional<std::chrono::milliseconds> milliseconds_of(std::string_view text) {
  std::chrono::milliseconds::rep number = 0;
  const auto* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end || text.starts_with('-')) return std::nullopt;
  return std::chrono::milliseconds(number);
}

}  // namespace

bool EventReader::feed(std::string_view bytes) {
  buffer_.erase(0, read_);
  searched_ -= read_;
  read_ = 0;
  if (buffer_.size() + event_.data.size() > most_bytes_) return false;
  buffer_ += bytes;
  return true;
}

std::optional<ServerSentEvent> EventReader::next() {
  while (const auto line = take_line()) {
    if (auto event = take(*line)) return event;
  }
  return std::nullopt;
}

std::optional<std::string_view> EventReader::take_line() {
  if (read_ == buffer_.size()) return std::nullopt;
  if (std::exchange(after_return_, false) && buffer_[read_] == '\n') searched_ = ++read_;
  const auto end = buffer_.find_first_of("\r\n", searched_);
  if (end == std::string::npos) {
    searched_ = buffer_.size();
    return std::nullopt;
  }
  const std::string_view line(buffer_.data() + read_, end - read_);
  after_return_ = buffer_[end] == '\r';
  read_ = searched_ = end + 1;
  return line;
}

std::optional<ServerSentEvent> EventReader::take(std::string_view line) {
  if (!std::exchange(begun_, true) && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  if (line.empty()) return dispatch();
  const auto colon = line.find(':');
  auto value = colon == line.npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  take_field(line.substr(0, colon), value);  // of a comment, the name is empty
  return std::nullopt;
}

void EventReader::take_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    (event_.data += value) += '\n';
  } else if (name == "event") {
    event_.name = value;
  } else if (name == "id") {
    if (!value.contains('\0')) id_ = value;
  } else if (name == "retry") {
    if (const auto wait = milliseconds_of(value)) retry_ = wait;
  }
}

std::optional<ServerSentEvent> EventReader::dispatch() {
  last_id_ = id_;
  auto event = std::exchange(event_, {});
  if (event.data.empty()) return std::nullopt;
  event.data.pop_back();
  return event;
}

}  // namespace rollcall::codec
