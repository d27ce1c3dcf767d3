#include "store/postgres/parameters.hpp"

#include <algorithm>
#include <utility>

#include "model/validate.hpp"

namespace rollcall::postgres {
namespace {

using std::chrono::milliseconds;

constexpr WallTime kEpoch{milliseconds(946'684'800'000)};      // 2000-01-01
constexpr WallTime kFirst{milliseconds(-62'135'596'800'000)};  // 0001-01-01
constexpr WallTime kLast{milliseconds(253'402'300'799'000)};   // 9999-12-31
constexpr std::string_view kUnreadable = "\uFFFD";

void append_u32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

}  // namespace

std::string encode_number(std::uint64_t value) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
  return bytes;
}

std::uint64_t decode_number(std::string_view bytes) {
  if (bytes.size() != 8) return 0;
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

std::string encode_time(WallTime time) {
  const auto since = std::chrono::microseconds(std::clamp(time, kFirst, kLast) - kEpoch).count();
  return encode_number(static_cast<std::uint64_t>(since));
}

WallTime decode_time(std::string_view bytes) {
  const auto since = std::chrono::microseconds(static_cast<std::int64_t>(decode_number(bytes)));
  return kEpoch + std::chrono::floor<milliseconds>(since);
}

std::string readable(std::string_view text) {
  std::string out;
  if (!is_utf8(text)) {
    for (const char letter : text) {
      if (static_cast<unsigned char>(letter) < 0x80 && letter != '\0') {
        out.push_back(letter);
      } else {
        out += kUnreadable;
      }
    }
    return out;
  }
  out = text;
  for (auto at = out.find('\0'); at != std::string::npos; at = out.find('\0', at)) out.replace(at, 1, kUnreadable);
  return out;
}

void Array::add(std::string_view element) {
  append_u32(elements_, static_cast<std::uint32_t>(element.size()));
  elements_ += element;
  ++count_;
}

void Array::add_null() {
  append_u32(elements_, 0xFFFF'FFFF);
  has_null_ = true;
  ++count_;
}

std::string Array::encoded() const {
  std::string out;
  append_u32(out, count_ == 0 ? 0 : 1);  // dimensions
  append_u32(out, has_null_ ? 1 : 0);
  append_u32(out, std::to_underlying(type_));
  if (count_ == 0) return out;
  append_u32(out, count_);
  append_u32(out, 1);  // the first index
  return out + elements_;
}

}  // namespace rollcall::postgres
