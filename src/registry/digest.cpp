#include "registry/digest.hpp"

#include <algorithm>
#include <optional>

namespace rollcall {
namespace {

using std::chrono::milliseconds;

constexpr char kVersion = 1;
constexpr milliseconds kUnit{8};
constexpr milliseconds kMarkPrecision{1};  // a mark is rounded down, and so its age up
constexpr unsigned kBits = 7;

void put(std::string& out, std::uint64_t value) {
  for (; value >= (1U << kBits); value >>= kBits) out += static_cast<char>(value | (1U << kBits));
  out += static_cast<char>(value);
}

std::optional<std::uint64_t> get(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += kBits) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string encode_digest(std::vector<LeaseMark> marks, milliseconds now) {
  if (marks.empty()) return {};
  std::ranges::sort(marks, {}, &LeaseMark::number);
  std::string out(1, kVersion);
  InstanceNumber last;
  for (const auto& [number, last_beat] : marks) {
    put(out, number.value - last.value);
    const auto age = std::max(milliseconds{0}, now - last_beat - kMarkPrecision);
    put(out, static_cast<std::uint64_t>(age / kUnit));
    last = number;
  }
  return out;
}

Result<void> decode_digest(std::string_view bytes, const std::function<void(InstanceNumber, milliseconds)>& take) {
  if (bytes.empty()) return {};
  if (bytes.front() != kVersion) return fail(ErrorCode::incompatible, "a digest of another version");
  bytes.remove_prefix(1);
  InstanceNumber number;
  while (!bytes.empty()) {
    const auto distance = get(bytes);
    const auto age = get(bytes);
    // An age of years is as good as one of a year, and can't overflow.
    if (!distance || !age) return fail(ErrorCode::incompatible, "a digest that breaks off");
    number.value += *distance;
    constexpr std::uint64_t kYear = std::chrono::years{1} / kUnit;
    take(number, kUnit * static_cast<std::int64_t>(std::min(*age, kYear)));
  }
  return {};
}

}  // namespace rollcall
