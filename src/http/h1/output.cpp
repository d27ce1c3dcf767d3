#include "http/h1/output.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace rollcall::http::h1 {
namespace {

// Up to here a copy costs less than another part of a gathering write.
constexpr std::size_t kCopiedBodyBytes = 4 * 1024;
// What an idle connection may keep.
constexpr std::size_t kKeptBytes = 16 * 1024;
constexpr std::size_t kKeptSegments = 64;

void append_number(std::size_t number, std::string& out) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_field(std::string_view name_and_colon, std::string_view value, std::string& out) {
  out.append(name_and_colon);
  out.append(value);
  out.append("\r\n");
}

bool may_have_body(unsigned status) noexcept { return status != 204 && status != 304 && status >= 200; }

std::string_view opaque_part(std::string_view etag) noexcept {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  return etag;
}

}  // namespace

void Output::add(Response response, const Framing& framing) {
  const auto body_bytes = response.body.size();
  const auto begin = copied_.size();
  write_head(response, framing, body_bytes);
  ++answers_;
  const bool sends_body = !framing.head_only && may_have_body(response.status) && body_bytes != 0;
  if (sends_body && body_bytes <= kCopiedBodyBytes) {
    copied_ += response.body.before;
    for (const auto piece : response.body.shared) copied_ += piece;
    copied_ += response.body.after;
  }
  end_copied(begin);
  if (!sends_body || body_bytes <= kCopiedBodyBytes) return;
  const auto& body = held_.emplace_back(std::make_unique<Response>(std::move(response)))->body;
  add_shared(body.before);
  for (const auto piece : body.shared) add_shared(piece);
  add_shared(body.after);
}

void Output::add_continue() {
  const auto begin = copied_.size();
  copied_ += "HTTP/1.1 100 Continue\r\n\r\n";
  end_copied(begin);
}

void Output::write_head(const Response& response, const Framing& framing, std::size_t body_bytes) {
  if (response.status == 200) {
    copied_ += "HTTP/1.1 200 OK\r\n";
  } else {
    copied_ += "HTTP/1.1 ";
    append_number(response.status, copied_);
    copied_ += ' ';
    append_field({}, reason_of(response.status), copied_);
  }
  append_field("Date: ", framing.date, copied_);
  if (may_have_body(response.status)) {
    if (body_bytes != 0) append_field("Content-Type: ", response.content_type, copied_);
    copied_ += "Content-Length: ";
    append_number(body_bytes, copied_);
    copied_ += "\r\n";
  }
  if (!response.etag.empty()) append_field("ETag: ", response.etag, copied_);
  if (!response.cache_control.empty()) append_field("Cache-Control: ", response.cache_control, copied_);
  if (!response.location.empty()) append_field("Location: ", response.location, copied_);
  if (!response.allow.empty()) append_field("Allow: ", response.allow, copied_);
  copied_ += response.extra_headers;
  if (response.retry_after_s != 0) {
    copied_ += "Retry-After: ";
    append_number(response.retry_after_s, copied_);
    copied_ += "\r\n";
  }
  if (framing.close) {
    copied_ += "Connection: close\r\n";
  } else if (framing.say_keep_alive) {
    copied_ += "Connection: keep-alive\r\n";
  }
  copied_ += "\r\n";
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

bool none_match_has(std::string_view list, std::string_view etag) noexcept {
  if (list == "*") return true;
  const auto wanted = opaque_part(etag);
  // Each turn takes a tag and what separates it; commas inside quotes belong to the tag.
  while (true) {
    const auto begin = list.find_first_not_of(" \t,");
    if (begin == std::string_view::npos) return false;
    list.remove_prefix(begin);
    list = opaque_part(list);
    if (!list.starts_with('"')) return false;
    const auto end = list.find('"', 1);
    if (end == std::string_view::npos) return false;
    if (list.substr(0, end + 1) == wanted) return true;
    list.remove_prefix(end + 1);
  }
}

}  // namespace rollcall::http::h1
