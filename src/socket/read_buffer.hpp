#pragma once
// The bytes of a connection that have come and aren't used yet. Small while little comes, for thousands of connections
// are mostly silent.
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace rollcall::socket {

class ReadBuffer {
 public:
  /// `bytes_max`: the most that it must hold at one time.
  explicit ReadBuffer(std::size_t bytes_max);

  [[nodiscard]] std::string_view unread() const noexcept { return {bytes_.get() + read_, end_ - read_}; }
  void consume(std::size_t bytes) noexcept { read_ += bytes; }

  /// Room for more bytes; unread() moves. Empty only when bytes_max are unread.
  [[nodiscard]] std::span<char> room();
  void commit(std::size_t bytes) noexcept { end_ += bytes; }

 private:
  void resize(std::size_t capacity);

  const std::size_t bytes_max_;
  std::size_t capacity_;
  std::unique_ptr<char[]> bytes_;
  // read_ <= end_ <= capacity_
  std::size_t read_ = 0;
  std::size_t end_ = 0;
};

}  // namespace rollcall::socket
