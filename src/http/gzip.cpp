#include "http/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <new>
#include <optional>
#include <utility>

#include "http/text.hpp"

namespace rollcall::http {
namespace {

// Level 1 gives most of what there is to gain from JSON at a fraction of the default's time.
constexpr int kLevel = 1;
// What one pull compresses takes less than a millisecond.
constexpr std::size_t kSliceBytes = 64 * 1024;

// Beginnings of media types.
constexpr std::array<std::string_view, 5> kTexts{"application/json", "application/problem+json", "text/",
                                                 "application/yaml", "image/svg+xml"};

/// In thousandths (RFC 9110, 12.4.2).
using Weight = unsigned;
constexpr Weight kFullWeight = 1000;

bool is_text(std::string_view media_type) noexcept {
  return std::ranges::any_of(kTexts, [media_type](std::string_view begin) { return media_type.starts_with(begin); });
}

// Takes what is before the next `separator` off `text`.
std::string_view take_until(char separator, std::string_view& text) noexcept {
  const auto end = std::min(text.find(separator), text.size());
  const auto part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trimmed(part);
}

// Of "q=0.5". What is malformed counts as a refusal: plain bytes are never wrong.
Weight weight_of(std::string_view parameter) noexcept {
  if (parameter.empty()) return kFullWeight;
  if (parameter.size() < 3 || parameter.size() > 7 || !iequals(parameter.substr(0, 2), "q=")) return 0;
  const auto value = parameter.substr(2);
  if (value.size() > 1 && value[1] != '.') return 0;
  Weight weight = 0;
  Weight worth = kFullWeight;
  for (const char digit : value) {
    if (digit == '.' && worth == kFullWeight / 10) continue;
    if (digit < '0' || digit > '9') return 0;
    weight += static_cast<Weight>(digit - '0') * worth;
    worth /= 10;
  }
  return weight <= kFullWeight ? weight : 0;
}

/// A body that is compressed as it is sent.
class GzipBody final : public BodyStream {
 public:
  GzipBody(Body body, std::atomic<std::uint64_t>& counter) : body_(std::move(body)), counted_(counter) {}
  ~GzipBody() override {
    if (open_) deflateEnd(&zlib_);
  }

  void start(Wake) override {}

  // Hurry is the reader's: half of an answer would be none.
  State pull(std::string& out, std::size_t room, Hurry) override {
    if (!open_) open();
    const auto begin = out.size();
    bool ended = false;
    // libstdc++ 12 may call with more than it was asked for.
    out.resize_and_overwrite(begin + room, [&](char* data, std::size_t) {
      zlib_.next_out = reinterpret_cast<Bytef*>(data + begin);
      zlib_.avail_out = static_cast<uInt>(room);
      ended = compress_slice();
      return begin + room - zlib_.avail_out;
    });
    return ended ? State::ended : State::more;
  }

 private:
  // The memory that zlib takes, 8 bytes for each of the window, is what clearing it costs a small body most.
  void open() {
    constexpr int kSmallestWindowBits = 9;
    constexpr int kWithGzipHeader = 16;
    const int window_bits = std::clamp(static_cast<int>(std::bit_width(body_.size())), kSmallestWindowBits, MAX_WBITS);
    const int memory_level = window_bits - 7;
    if (deflateInit2(&zlib_, kLevel, Z_DEFLATED, window_bits + kWithGzipHeader, memory_level, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
      throw std::bad_alloc();
    }
    open_ = true;
  }

  // Whether that was the last.
  bool compress_slice() noexcept {
    for (auto left = kSliceBytes; left != 0 && zlib_.avail_out != 0 && has_more();) {
      const auto slice = rest_.substr(0, left);
      const auto taken = feed(slice, Z_NO_FLUSH);
      rest_.remove_prefix(taken);
      left -= taken;
    }
    if (has_more() || zlib_.avail_out == 0) return false;
    (void)feed({}, Z_FINISH);
    return finished_;
  }

  bool has_more() noexcept {
    while (rest_.empty() && piece_ < body_.pieces()) rest_ = body_.piece(piece_++);
    return !rest_.empty();
  }

  // How much of it was taken: all, unless the room is used up.
  std::size_t feed(std::string_view bytes, int flush) noexcept {
    // zlib knows no const without a macro; it doesn't write there.
    zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    zlib_.avail_in = static_cast<uInt>(bytes.size());
    finished_ = deflate(&zlib_, flush) == Z_STREAM_END;
    return bytes.size() - zlib_.avail_in;
  }

  const Body body_;
  const ServerStats::Counted counted_;
  z_stream zlib_{};
  std::string_view rest_;  ///< of the piece that is being compressed
  std::size_t piece_ = 0;  ///< the next one
  bool open_ = false;
  bool finished_ = false;
};

}  // namespace

bool takes_gzip(std::string_view accept_encoding) noexcept {
  std::optional<Weight> gzip, any;
  Weight plain = 0;
  while (!accept_encoding.empty()) {
    auto parameter = take_until(',', accept_encoding);
    const auto coding = take_until(';', parameter);
    const auto weight = weight_of(trimmed(parameter));
    if (iequals(coding, "gzip") || iequals(coding, "x-gzip")) {
      gzip = std::max(gzip.value_or(0), weight);
    } else if (iequals(coding, "identity")) {
      plain = weight;
    } else if (coding == "*") {
      any = weight;
    }
  }
  const auto weight = gzip.value_or(any.value_or(0));
  return weight != 0 && weight >= plain;
}

bool agree_on_gzip(const Request& request, Response& response, const ServerContext& context) {
  const auto least = context.limits.gzip_min_bytes;
  if (response.stream || least == 0 || response.body.size() < least || !is_text(response.content_type)) return false;
  response.vary = "Accept-Encoding";
  if (!takes_gzip(request.accept_encoding)) return false;
  if (response.etag.starts_with('"')) response.etag.insert(0, "W/");
  return context.stats.compressing.load(std::memory_order_relaxed) < context.limits.gzip_at_once;
}

void compress(Response& response, ServerStats& stats) {
  response.stream = std::make_unique<GzipBody>(std::exchange(response.body, {}), stats.compressing);
  response.headers.push_back({"Content-Encoding", "gzip"});
}

}  // namespace rollcall::http
