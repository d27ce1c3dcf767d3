#pragma once
// The bytes of a connection: the request in hand at the front, what follows it behind. Grows from small to the largest
// header, so that thousands of idle connections cost little.
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace rollcall::http::h1 {

class ReadBuffer {
 public:
  explicit ReadBuffer(std::size_t bytes_max);

  [[nodiscard]] std::string_view unread() const noexcept { return {data() + read_, end_ - read_}; }
  void consume(std::size_t bytes) noexcept { read_ += bytes; }

  /// A request ends here: what has been read needn't be kept.
  void start_request() noexcept { request_ = read_; }
  [[nodiscard]] bool is_before_request() const noexcept { return read_ == request_; }
  [[nodiscard]] bool has_part_of_request() const noexcept { return end_ != request_; }
  [[nodiscard]] const char* request_data() const noexcept { return data() + request_; }

  /// Room for more bytes, empty if there is none left. The request's first `kept` bytes are kept, and then the unread
  /// ones; they may move, request_data() tells to where.
  [[nodiscard]] std::span<char> room(std::size_t kept);
  /// So many bytes have come into the room.
  void commit(std::size_t bytes) noexcept {
    end_ += bytes;
    filled_ = end_ == capacity_;
  }

 private:
  [[nodiscard]] const char* data() const noexcept { return bytes_.get(); }

  const std::size_t bytes_max_;
  std::size_t capacity_;
  std::unique_ptr<char[]> bytes_;
  // request_ <= read_ <= end_ <= capacity_
  std::size_t request_ = 0;
  std::size_t read_ = 0;
  std::size_t end_ = 0;
  bool filled_ = false;  ///< by the last read: more may lie ready
};

}  // namespace rollcall::http::h1
