#pragma once
// What a heartbeat touches of a lease: one cache line. Only the lease table's.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <limits>

#include "registry/lease_table.hpp"

namespace rollcall::lease {

inline constexpr std::size_t kInlineIdBytes = 42;
inline constexpr std::uint8_t kLongId = 0xFF;

// The word that heartbeats and claims meet in: time of the last beat, whether it came before this process, whether it
// came to this node, and the state.
inline constexpr std::int64_t kStateMask = 3;
inline constexpr std::int64_t kUnverified = 4;
inline constexpr std::int64_t kHeardHere = 8;
inline constexpr int kTimeShift = 4;

constexpr std::int64_t pack(LeaseTime beat, LeaseState state, std::int64_t flags) noexcept {
  return (beat.count() * (1 << kTimeShift)) | flags | static_cast<std::int64_t>(state);
}
constexpr LeaseTime beat_of(std::int64_t word) noexcept { return LeaseTime{word >> kTimeShift}; }
constexpr LeaseState state_of(std::int64_t word) noexcept { return static_cast<LeaseState>(word & kStateMask); }
constexpr std::int64_t flags_of(std::int64_t word) noexcept { return word & (kUnverified | kHeardHere); }
constexpr bool is_unverified(std::int64_t word) noexcept { return (word & kUnverified) != 0; }

inline std::uint64_t hash_of(std::string_view text) noexcept { return std::hash<std::string_view>{}(text); }

/// 0 stands for "no session".
inline std::uint64_t session_hash_of(std::string_view session) noexcept {
  return session.empty() ? 0 : (hash_of(session) | 1);
}

inline std::uint32_t in_32_bits(std::chrono::milliseconds ttl) noexcept {
  constexpr auto kMost = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min<std::int64_t>(ttl.count(), kMost));
}

/// What a heartbeat touches: one cache line.
struct alignas(64) Slot {
  std::atomic<std::int64_t> word{0};
  std::atomic<std::uint64_t> session_hash{0};
  std::atomic<std::uint32_t> ttl_ms{0};
  std::atomic<Source> source{Source::api};
  std::uint8_t id_length = 0;  // kLongId: id_bytes holds a heap pointer and a size
  char id_bytes[kInlineIdBytes] = {};

  [[nodiscard]] std::string_view id() const noexcept {
    if (id_length != kLongId) return {id_bytes, id_length};
    const char* data = nullptr;
    std::size_t size = 0;
    std::memcpy(&data, id_bytes, sizeof data);
    std::memcpy(&size, id_bytes + sizeof data, sizeof size);
    return {data, size};
  }

  void set_id(std::string_view id) {
    if (id.size() <= kInlineIdBytes) {
      id_length = static_cast<std::uint8_t>(id.size());
      std::memcpy(id_bytes, id.data(), id.size());
      return;
    }
    auto* data = new char[id.size()];
    std::memcpy(data, id.data(), id.size());
    const std::size_t size = id.size();
    std::memcpy(id_bytes, &data, sizeof data);
    std::memcpy(id_bytes + sizeof data, &size, sizeof size);
    id_length = kLongId;
  }

  void clear_id() noexcept {
    if (id_length == kLongId) delete[] id().data();
    id_length = 0;
  }
};
static_assert(sizeof(Slot) == 64);

}  // namespace rollcall::lease
