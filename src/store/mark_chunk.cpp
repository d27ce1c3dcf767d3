#include "store/mark_chunk.hpp"

#include <algorithm>

namespace rollcall {
namespace {

constexpr std::uint64_t kMarkMax = (std::uint64_t{1} << (8 * kMarkBytes)) - 1;

std::uint64_t mark_in(std::string_view chunk, std::size_t slot) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kMarkBytes; ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(chunk[slot * kMarkBytes + i])} << (8 * i);
  }
  return value;
}

}  // namespace

void put_mark(std::string& chunk, std::size_t slot, std::chrono::milliseconds last_beat) {
  const std::size_t at = slot * kMarkBytes;
  if (chunk.size() < at + kMarkBytes) chunk.resize(at + kMarkBytes, '\0');
  const auto value =
      std::min<std::uint64_t>(static_cast<std::uint64_t>(std::max(last_beat.count(), std::int64_t{0})), kMarkMax - 1) +
      1;
  for (std::size_t i = 0; i < kMarkBytes; ++i) chunk[at + i] = static_cast<char>(value >> (8 * i));
}

bool drop_mark(std::string& chunk, std::size_t slot) {
  const std::size_t at = slot * kMarkBytes;
  if (chunk.size() < at + kMarkBytes) return false;
  const std::string none(kMarkBytes, '\0');
  if (chunk.compare(at, kMarkBytes, none) == 0) return false;
  chunk.replace(at, kMarkBytes, none);
  return true;
}

void append_marks(std::string_view chunk, InstanceNumber first, std::vector<LeaseMark>& marks) {
  for (std::size_t slot = 0; slot < chunk.size() / kMarkBytes; ++slot) {
    const std::uint64_t value = mark_in(chunk, slot);
    if (value == 0) continue;
    marks.push_back(
        {InstanceNumber{first.value + slot}, std::chrono::milliseconds(static_cast<std::int64_t>(value - 1))});
  }
}

}  // namespace rollcall
