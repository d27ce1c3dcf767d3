#include "socket/read_buffer.hpp"

#include <algorithm>
#include <cstring>

namespace rollcall::socket {
namespace {

// As most heartbeats pipelined as clients are wont to send fit into.
constexpr std::size_t kFirstBytes = 2 * 1024;
// Of lines that lie ready, one read takes so many bytes.
constexpr std::size_t kBytesPerRead = 64 * 1024;

}  // namespace

ReadBuffer::ReadBuffer(std::size_t bytes_max)
    : bytes_max_(std::max(bytes_max, kBytesPerRead)),
      capacity_(kFirstBytes),
      bytes_(std::make_unique_for_overwrite<char[]>(capacity_)) {}

std::span<char> ReadBuffer::room() {
  const auto left = end_ - read_;
  const bool filled = end_ == capacity_;  // by the last read: more may lie ready
  if (filled && capacity_ < bytes_max_) {
    resize(std::min(capacity_ * 4, bytes_max_));
  } else if (left == 0 && capacity_ > kFirstBytes && end_ < capacity_ / 8) {
    resize(kFirstBytes);  // what is rarely needed isn't kept
  } else if (left == 0) {
    read_ = end_ = 0;
  } else if (capacity_ - end_ < capacity_ / 2) {
    std::memmove(bytes_.get(), bytes_.get() + read_, left);
    read_ = 0;
    end_ = left;
  }
  return {bytes_.get() + end_, capacity_ - end_};
}

void ReadBuffer::resize(std::size_t capacity) {
  auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
  std::memcpy(bytes.get(), bytes_.get() + read_, end_ - read_);
  bytes_ = std::move(bytes);
  capacity_ = capacity;
  end_ -= read_;
  read_ = 0;
}

}  // namespace rollcall::socket
