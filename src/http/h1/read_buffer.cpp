#include "http/h1/read_buffer.hpp"

#include <algorithm>
#include <cstring>

namespace rollcall::http::h1 {
namespace {

constexpr std::size_t kFirstBytes = 4 * 1024;
// With less room than this a read would bring too little.
constexpr std::size_t kRoomMin = 1024;

}  // namespace

ReadBuffer::ReadBuffer(std::size_t bytes_max)
    : bytes_max_(std::max(bytes_max, kFirstBytes)),
      capacity_(kFirstBytes),
      bytes_(std::make_unique_for_overwrite<char[]>(capacity_)) {}

std::span<char> ReadBuffer::room(std::size_t kept) {
  const auto left = end_ - read_;
  if (kept + left == 0 && !filled_) {
    request_ = read_ = end_ = 0;
    return {bytes_.get(), capacity_};
  }
  const auto used = kept + left;
  auto target = capacity_;
  if (filled_ || target - used < kRoomMin) target = std::min(capacity_ * 2, bytes_max_);
  const bool grows = target > capacity_;
  auto larger = grows ? std::make_unique_for_overwrite<char[]>(target) : nullptr;
  char* const to = grows ? larger.get() : bytes_.get();
  if (grows || request_ != 0) std::memmove(to, bytes_.get() + request_, kept);
  if (grows || read_ != kept) std::memmove(to + kept, bytes_.get() + read_, left);
  if (grows) {
    bytes_ = std::move(larger);
    capacity_ = target;
  }
  request_ = 0;
  read_ = kept;
  end_ = used;
  return {bytes_.get() + end_, capacity_ - end_};
}

}  // namespace rollcall::http::h1
