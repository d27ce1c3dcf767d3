#pragma once
// The framed form of the socket protocol: two bytes, big-endian, with the length of a JSON header; the header; the
// content, as long as the header says.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "codec/socket_command.hpp"

namespace rollcall::codec {

struct FrameLimits {
  std::size_t header_bytes = 0;  ///< at most kFrameHeaderMost
  std::size_t content_bytes = 0;
};

/// A longer header would begin with a byte that lines may begin with: 0x09, a tab.
inline constexpr std::size_t kFrameHeaderMost = 0x08FF;

/// Whether a connection whose first byte this is speaks frames. Lines begin with something printable or blank.
[[nodiscard]] bool begins_frame(char first) noexcept;

/// One frame, read as its bytes come.
class FrameReader {
 public:
  explicit FrameReader(const FrameLimits& limits) : limits_(limits) {}

  /// `bytes`: all that have come so far. The content once it is whole, pointing into `bytes`; nullopt before.
  [[nodiscard]] Result<std::optional<std::string_view>> read(std::string_view bytes);

 private:
  Result<void> read_header(std::string_view json);

  const FrameLimits limits_;
  std::size_t header_end_ = 0;  ///< 0 until the header has been read
  std::size_t content_bytes_ = 0;
};

/// Text/plain, or text/json for a list.
void append_frame(std::string& out, const SocketAnswer& answer);
/// What FrameReader reads: as a client sends it.
void append_request_frame(std::string& out, std::string_view json);

}  // namespace rollcall::codec
