#pragma once
// The answers that wait to be written, in order. Small ones are copied into one run of bytes; a large body stays where
// it is and is gathered by the write.
#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace rollcall::http::h1 {

/// How a response leaves, beside what it says.
struct Framing {
  bool head_only = false;  ///< HEAD: the length without the body
  bool chunked = false;    ///< for a body that is streamed; without it, such a one ends with the connection
  bool close = false;      ///< Connection: close
  bool say_keep_alive = false;
  std::string_view date;
};

class Output {
 public:
  /// The head, and the body unless it is a stream, which is returned.
  std::unique_ptr<BodyStream> add(Response&& response, const Framing& framing);
  void add_continue();
  /// Of a streamed body; `bytes` may be empty.
  void add_streamed(std::string_view bytes, bool last, bool chunked);

  [[nodiscard]] bool empty() const noexcept { return sent_ == size_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_ - sent_; }
  [[nodiscard]] std::size_t answers() const noexcept { return answers_; }

  /// The bytes to be written next, as many parts as fit into `parts`; returns how many were set.
  [[nodiscard]] std::size_t gather(std::span<iovec> parts) const noexcept;
  /// So many bytes have been written. When it was the last of them, everything is let go.
  void sent(std::size_t bytes) noexcept;

 private:
  struct Segment {
    const char* data;  ///< null: at `offset` in copied_, which may still move
    std::size_t offset;
    std::size_t size;
  };

  void end_copied(std::size_t begin);
  void add_shared(std::string_view bytes);
  void clear() noexcept;

  std::string copied_;
  std::vector<Segment> segments_;
  std::vector<std::unique_ptr<Response>> held_;
  std::size_t next_ = 0;          ///< the first segment that isn't wholly sent
  std::size_t sent_of_next_ = 0;  ///< bytes of it that are
  std::size_t size_ = 0;
  std::size_t sent_ = 0;
  std::size_t answers_ = 0;
};

}  // namespace rollcall::http::h1
