#include "http/h1/output.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <iterator>
#include <utility>

namespace rollcall::http::h1 {
namespace {

// Up to here a copy costs less than another part of a gathering write.
constexpr std::size_t kCopiedBodyBytes = 4 * 1024;
// What an idle connection may keep.
constexpr std::size_t kKeptBytes = 16 * 1024;
constexpr std::size_t kKeptSegments = 64;

// What of a head doesn't depend on the response's own texts.
constexpr std::size_t kHeadBytesMax = 512;

/// Writes into room that is known to be enough.
class Writer {
 public:
  explicit Writer(char* at) : at_(at) {}

  void text(std::string_view bytes) {
    if (bytes.empty()) return;  // memcpy takes no null
    std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  void number(std::size_t number) {
    constexpr std::size_t kDigitsMax = 20;
    at_ = std::to_chars(at_, at_ + kDigitsMax, number).ptr;
  }
  void field(std::string_view name_and_colon, std::string_view value) {
    text(name_and_colon);
    text(value);
    text("\r\n");
  }
  [[nodiscard]] char* end() const noexcept { return at_; }

 private:
  char* at_;
};

bool may_have_body(unsigned status) noexcept { return status != 204 && status != 304 && status >= 200; }

std::size_t head_bytes_max(const Response& response) noexcept {
  constexpr std::size_t kFieldEnds = 4;  // ": " and CRLF
  std::size_t bytes = kHeadBytesMax + response.etag.size() + response.location.size() + response.allow.size() +
                      response.content_type.size() + response.cache_control.size() + response.vary.size();
  for (const auto& [name, value] : response.headers) bytes += name.size() + value.size() + kFieldEnds;
  return bytes;
}

void write_status(unsigned status, Writer& writer) {
  if (status == 200) return writer.text("HTTP/1.1 200 OK\r\n");
  writer.text("HTTP/1.1 ");
  writer.number(status);
  writer.field(" ", reason_of(status));
}

void write_body_fields(const Response& response, const Framing& framing, std::size_t body_bytes, Writer& writer) {
  if (body_bytes != 0 || response.stream) writer.field("Content-Type: ", response.content_type);
  if (!response.stream) {
    writer.text("Content-Length: ");
    writer.number(body_bytes);
    writer.text("\r\n");
  } else if (framing.chunked) {
    writer.text("Transfer-Encoding: chunked\r\n");
  }
}

void write_head(const Response& response, const Framing& framing, std::size_t body_bytes, Writer& writer) {
  write_status(response.status, writer);
  writer.field("Date: ", framing.date);
  if (may_have_body(response.status)) write_body_fields(response, framing, body_bytes, writer);
  if (!response.etag.empty()) writer.field("ETag: ", response.etag);
  if (!response.cache_control.empty()) writer.field("Cache-Control: ", response.cache_control);
  if (!response.vary.empty()) writer.field("Vary: ", response.vary);
  if (!response.location.empty()) writer.field("Location: ", response.location);
  if (!response.allow.empty()) writer.field("Allow: ", response.allow);
  for (const auto& [name, value] : response.headers) {
    writer.text(name);
    writer.field(": ", value);
  }
  if (response.retry_after_s != 0) {
    writer.text("Retry-After: ");
    writer.number(response.retry_after_s);
    writer.text("\r\n");
  }
  if (framing.close) {
    writer.text("Connection: close\r\n");
  } else if (framing.say_keep_alive) {
    writer.text("Connection: keep-alive\r\n");
  }
  writer.text("\r\n");
}

void write_body(const Body& body, Writer& writer) {
  writer.text(body.before);
  for (const auto piece : body.shared) writer.text(piece);
  writer.text(body.after);
}

}  // namespace

std::unique_ptr<BodyStream> Output::add(Response&& response, const Framing& framing) {
  const auto body_bytes = response.stream ? 0 : response.body.size();
  const bool sends_body = !framing.head_only && may_have_body(response.status) && body_bytes != 0;
  const bool copies_body = sends_body && body_bytes <= kCopiedBodyBytes;
  const auto begin = copied_.size();
  const auto room = begin + head_bytes_max(response) + (copies_body ? body_bytes : 0);
  copied_.resize_and_overwrite(room, [&](char* data, std::size_t) {
    Writer writer(data + begin);
    write_head(response, framing, body_bytes, writer);
    if (copies_body) write_body(response.body, writer);
    return static_cast<std::size_t>(writer.end() - data);
  });
  ++answers_;
  end_copied(begin);
  if (!sends_body || copies_body) return std::move(response.stream);
  const auto& body = held_.emplace_back(std::make_unique<Response>(std::move(response)))->body;
  add_shared(body.before);
  for (const auto piece : body.shared) add_shared(piece);
  add_shared(body.after);
  return nullptr;
}

void Output::add_continue() {
  const auto begin = copied_.size();
  copied_ += "HTTP/1.1 100 Continue\r\n\r\n";
  end_copied(begin);
}

void Output::add_streamed(std::string_view bytes, bool last, bool chunked) {
  const auto begin = copied_.size();
  if (!chunked) {
    copied_ += bytes;
  } else {
    if (!bytes.empty()) fmt::format_to(std::back_inserter(copied_), "{:x}\r\n{}\r\n", bytes.size(), bytes);
    if (last) copied_ += "0\r\n\r\n";
  }
  end_copied(begin);
}

void Output::end_copied(std::size_t begin) {
  const auto bytes = copied_.size() - begin;
  size_ += bytes;
  if (!segments_.empty() && segments_.back().data == nullptr) {
    segments_.back().size += bytes;
  } else {
    segments_.push_back({nullptr, begin, bytes});
  }
}

void Output::add_shared(std::string_view bytes) {
  if (bytes.empty()) return;
  segments_.push_back({bytes.data(), 0, bytes.size()});
  size_ += bytes.size();
}

std::size_t Output::gather(std::span<iovec> parts) const noexcept {
  std::size_t set = 0;
  std::size_t skip = sent_of_next_;
  for (auto i = next_; i < segments_.size() && set < parts.size(); ++i, ++set) {
    const auto& segment = segments_[i];
    const char* data = segment.data != nullptr ? segment.data : copied_.data() + segment.offset;
    // iovec knows no const; a write doesn't alter what it sends.
    parts[set] = {const_cast<char*>(data) + skip, segment.size - skip};
    skip = 0;
  }
  return set;
}

void Output::sent(std::size_t bytes) noexcept {
  sent_ += bytes;
  if (sent_ == size_) return clear();
  while (bytes != 0) {
    const auto left = segments_[next_].size - sent_of_next_;
    if (bytes < left) {
      sent_of_next_ += bytes;
      return;
    }
    bytes -= left;
    ++next_;
    sent_of_next_ = 0;
  }
}

void Output::clear() noexcept {
  if (copied_.capacity() > kKeptBytes) copied_ = std::string();
  if (segments_.capacity() > kKeptSegments) segments_ = {};
  copied_.clear();
  segments_.clear();
  held_.clear();
  next_ = sent_of_next_ = size_ = sent_ = answers_ = 0;
}

}  // namespace rollcall::http::h1
