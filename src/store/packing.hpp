#pragma once
// Values as bytes, for rows and files: integers are LEB128 (signed ones zigzag), texts are their length and their
// bytes.
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"

namespace rollcall {

class Packer {
 public:
  explicit Packer(std::string& out) : out_(out) {}

  void byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(value | 0x80));
    byte(static_cast<std::uint8_t>(value));
  }
  void integer(std::int64_t value) {
    number((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void time(WallTime value) { integer(value.time_since_epoch().count()); }
  void span(std::chrono::milliseconds value) { integer(value.count()); }
  void text(std::string_view value) {
    number(value.size());
    out_.append(value);
  }

 private:
  std::string& out_;
};

/// Reads what Packer wrote. Past the end or out of range: ok() turns false, and what is read is empty.
class Unpacker {
 public:
  explicit Unpacker(std::string_view in) : in_(in) {}
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t left() const { return in_.size(); }

  std::uint8_t byte() {
    if (in_.empty()) {
      ok_ = false;
      return 0;
    }
    const auto value = static_cast<std::uint8_t>(in_.front());
    in_.remove_prefix(1);
    return value;
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t part = byte();
      value |= std::uint64_t{part & 0x7FU} << shift;
      if (part < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  std::int64_t integer() {
    const std::uint64_t value = number();
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  WallTime time() { return WallTime(std::chrono::milliseconds(integer())); }
  std::chrono::milliseconds span() { return std::chrono::milliseconds(integer()); }
  std::string_view text() {
    const std::uint64_t size = number();
    if (size > in_.size()) {
      ok_ = false;
      in_ = {};
      return {};
    }
    const auto value = in_.substr(0, size);
    in_.remove_prefix(size);
    return value;
  }
  /// A count of things that take at least a byte each.
  std::size_t count() {
    const std::uint64_t value = number();
    if (value <= in_.size()) return value;
    ok_ = false;
    return 0;
  }
  template <class Enum>
  Enum choice(Enum last) {
    const std::uint8_t value = byte();
    if (value > std::to_underlying(last)) ok_ = false;
    return static_cast<Enum>(value);
  }
  template <class Integer>
  Integer narrow() {
    const std::uint64_t value = number();
    if (!std::in_range<Integer>(value)) ok_ = false;
    return static_cast<Integer>(value);
  }

 private:
  std::string_view in_;
  bool ok_ = true;
};

/// CRC-32, as of gzip. Fixed 32-bit values are little-endian.
inline constexpr std::size_t kChecksumBytes = 4;
[[nodiscard]] std::uint32_t checksum_of(std::string_view bytes);
void append_fixed32(std::uint32_t value, std::string& out);
[[nodiscard]] std::uint32_t fixed32_at(std::string_view bytes, std::size_t offset);

}  // namespace rollcall
