#include "codec/frame.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "codec/fields.hpp"

namespace rollcall::codec {
namespace {

constexpr std::size_t kLengthBytes = 2;
constexpr std::size_t kHeaderValuesMost = 32;

enum Member : std::uint8_t { kByteOrder, kType, kEncoding, kLength, kCount };
constexpr std::array<std::string_view, kCount> kNames{"byteorder", "content-type", "content-encoding",
                                                      "content-length"};
using Members = std::array<const JsonValue*, kCount>;

// All four must be there, as the original has it; what else there is doesn't matter to it.
Result<Members> find_members(const Document& document) {
  Members found{};
  const auto& root = document.root();
  if (root.kind != JsonKind::object) return wrong_type(root, "header", "an object");
  const auto ok = document.for_each_in(root, [&](const JsonValue& member) -> Result<void> {
    const auto* const name = std::ranges::find(kNames, member.key);
    if (name != kNames.end()) found[static_cast<std::size_t>(name - kNames.begin())] = &member;
    return {};
  });
  if (!ok) return std::unexpected(ok.error());
  for (std::size_t i = 0; i < kCount; ++i) {
    if (found[i] == nullptr) return fail(ErrorCode::invalid, "is missing", std::string(kNames[i]));
  }
  return found;
}

Result<void> expect_one_of(const JsonValue& value, std::string_view field, std::span<const std::string_view> allowed) {
  const auto text = read_text(value, field);
  if (!text) return std::unexpected(text.error());
  std::string lower(*text);
  for (auto& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  if (std::ranges::find(allowed, lower) != allowed.end()) return {};
  return fail(ErrorCode::invalid, fmt::format("is {}; allowed are {}", clipped(*text), fmt::join(allowed, ", ")),
              std::string(field));
}

void append_framed(std::string& out, std::string_view type, std::string_view content) {
  const auto header =
      fmt::format(R"({{"byteorder":"little","content-type":"{}","content-encoding":"utf-8","content-length":{}}})",
                  type, content.size());
  out += static_cast<char>(header.size() >> 8);
  out += static_cast<char>(header.size() & 0xFF);
  out += header;
  out += content;
}

}  // namespace

bool begins_frame(char first) noexcept {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r';
}

Result<std::optional<std::string_view>> FrameReader::read(std::string_view bytes) {
  if (header_end_ == 0) {
    if (bytes.size() < kLengthBytes) return std::nullopt;
    const auto length = static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) << 8 |
                        static_cast<std::size_t>(static_cast<unsigned char>(bytes[1]));
    if (length == 0 || length > limits_.header_bytes) {
      return fail(ErrorCode::invalid, fmt::format("has {} bytes; allowed are 1 to {}", length, limits_.header_bytes),
                  "header");
    }
    if (bytes.size() < kLengthBytes + length) return std::nullopt;
    if (auto ok = read_header(bytes.substr(kLengthBytes, length)); !ok) return std::unexpected(std::move(ok.error()));
    header_end_ = kLengthBytes + length;
  }
  if (bytes.size() - header_end_ < content_bytes_) return std::nullopt;
  return bytes.substr(header_end_, content_bytes_);
}

Result<void> FrameReader::read_header(std::string_view json) {
  constexpr std::array<std::string_view, 2> kOrders{"little", "big"};
  constexpr std::array<std::string_view, 2> kTypes{"text/json", "application/json"};
  constexpr std::array<std::string_view, 4> kEncodings{"utf-8", "utf8", "ascii", "us-ascii"};
  Document document;
  if (auto ok = document.parse(json, kHeaderValuesMost); !ok) return ok;
  const auto found = find_members(document);
  if (!found) return std::unexpected(found.error());
  if (auto ok = expect_one_of(*(*found)[kByteOrder], kNames[kByteOrder], kOrders); !ok) return ok;
  if (auto ok = expect_one_of(*(*found)[kType], kNames[kType], kTypes); !ok) return ok;
  if (auto ok = expect_one_of(*(*found)[kEncoding], kNames[kEncoding], kEncodings); !ok) return ok;
  const auto length =
      read_integer(*(*found)[kLength], kNames[kLength], 0, static_cast<std::int64_t>(limits_.content_bytes));
  if (!length) return std::unexpected(length.error());
  content_bytes_ = static_cast<std::size_t>(*length);
  return {};
}

void append_frame(std::string& out, const SocketAnswer& answer) {
  append_framed(out, answer.kind == SocketAnswer::Kind::json ? "text/json" : "text/plain", answer.words());
}

void append_request_frame(std::string& out, std::string_view json) { append_framed(out, "text/json", json); }

}  // namespace rollcall::codec
