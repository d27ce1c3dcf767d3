#pragma once
// Where the lease of an id is kept. The owner writes; reading threads probe at any time, and are never locked out.
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "registry/pages.hpp"

namespace rollcall {

/// Open addressing, linear probing, at most half full. A bucket is 0 (never used), 1 (deleted), or a tag of the hash
/// above the slot + 2. Four bytes, because half the memory means that twice as much of it is in the cache.
struct LeaseIndex {
  using Bucket = std::atomic<std::uint32_t>;
  static constexpr std::uint32_t kEmpty = 0;
  static constexpr std::uint32_t kDeleted = 1;

  LeaseIndex(std::size_t size, std::size_t slots)
      : mask(size - 1),
        slot_bits(static_cast<unsigned>(std::bit_width(slots + 2))),
        buckets(static_cast<Bucket*>(allocate_pages(size * sizeof(Bucket)))) {}

  /// Whether buckets have bits enough to name the slot.
  [[nodiscard]] bool reaches(std::uint32_t slot) const noexcept { return (std::uint64_t{slot} + 2) >> slot_bits == 0; }
  [[nodiscard]] std::uint32_t make(std::uint64_t hash, std::uint32_t slot) const noexcept {
    return tag(hash) | (slot + 2);
  }
  [[nodiscard]] bool same_tag(std::uint32_t bucket, std::uint64_t hash) const noexcept {
    return ((bucket ^ tag(hash)) >> slot_bits) == 0;
  }
  [[nodiscard]] std::uint32_t slot_of(std::uint32_t bucket) const noexcept {
    return (bucket & ((std::uint32_t{1} << slot_bits) - 1)) - 2;
  }

  std::size_t mask;
  unsigned slot_bits;
  std::unique_ptr<Bucket[], FreeMemory> buckets;
  std::size_t used = 0;  // by the owner: living and deleted

 private:
  /// The hash's upper half, so that it is independent of the bucket's place.
  [[nodiscard]] std::uint32_t tag(std::uint64_t hash) const noexcept {
    return static_cast<std::uint32_t>(hash >> 32) & ~((std::uint32_t{1} << slot_bits) - 1);
  }
};

}  // namespace rollcall
