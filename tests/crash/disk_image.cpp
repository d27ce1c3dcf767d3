#include "crash/disk_image.hpp"

#include <algorithm>

namespace rollcall::testing {
namespace {

void overwrite(std::string& bytes, std::uint64_t offset, std::string_view data) {
  if (bytes.size() < offset + data.size()) bytes.resize(offset + data.size(), '\0');
  std::ranges::copy(data, bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

}  // namespace

bool Coin::toss() noexcept {
  state_ += 0x9E3779B97F4A7C15U;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return ((z ^ (z >> 31)) & 1) != 0;
}

void DiskImage::write(std::uint64_t offset, std::string_view data) {
  pending_.push_back({false, offset, std::string(data)});
  apply(current_, pending_.back());
}

void DiskImage::truncate(std::uint64_t size) {
  pending_.push_back({true, size, {}});
  apply(current_, pending_.back());
}

void DiskImage::sync() {
  for (const Change& change : pending_) apply(durable_, change);
  pending_.clear();
}

std::string DiskImage::after_power_cut(Survival survival, Coin& coin) const {
  if (survival == Survival::everything) return current_;
  std::string bytes = durable_;
  if (survival == Survival::torn) {
    for (const Change& change : pending_) tear(bytes, change, coin);
  }
  return bytes;
}

void DiskImage::apply(std::string& bytes, const Change& change) {
  if (change.truncation) {
    bytes.resize(change.offset, '\0');
  } else {
    overwrite(bytes, change.offset, change.data);
  }
}

void DiskImage::tear(std::string& bytes, const Change& change, Coin& coin) {
  if (change.truncation) {
    if (coin.toss()) apply(bytes, change);
    return;
  }
  for (std::uint64_t at = 0; at < change.data.size();) {
    const std::uint64_t here = change.offset + at;
    const std::uint64_t length = std::min<std::uint64_t>(kSector - here % kSector, change.data.size() - at);
    if (coin.toss()) overwrite(bytes, here, std::string_view(change.data).substr(at, length));
    at += length;
  }
}

}  // namespace rollcall::testing
