#pragma once
// What writer and reader agree on (docs/protocols/backup.md).
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rollcall::archive {

/// The first line; what follows it is the version, a decimal number and a line feed.
inline constexpr std::string_view kMagic = "rollcall-backup ";
inline constexpr std::uint64_t kVersion = 1;
inline constexpr std::size_t kFirstLineMost = 32;

/// A block: its kind, the length of its content (fixed32), the content, CRC-32 (fixed32) of all that.
enum class Block : std::uint8_t { head = 'H', events = 'E', marks = 'M', outboxes = 'O', end = 'Z' };
inline constexpr std::size_t kBlockFront = 5;
inline constexpr std::size_t kBlockFull = 64 * 1024;         ///< a block with so much content is ended
inline constexpr std::size_t kBlockMost = 16 * 1024 * 1024;  ///< of content; a longer one is damaged

inline constexpr std::uint8_t kTombstone = 1;

}  // namespace rollcall::archive
