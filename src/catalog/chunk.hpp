#pragma once
// A run of encoded pieces in one allocation: ends, facts and bytes lie together, so that a copy is a few memcpys.
// Private to this folder.
#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstdint>
#include <span>
#include <string_view>

#include "catalog/encoded_list.hpp"

namespace rollcall {

class Chunk;
using ChunkPtr = boost::intrusive_ptr<const Chunk>;

class Chunk {
 public:
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;

  /// `old` (null: empty) with `edits` made, whose indices count from `first`. Null when nothing but holes is left.
  [[nodiscard]] static ChunkPtr edited(const Chunk* old, std::span<const EncodedList::Replacement> edits,
                                       std::uint32_t first);

  /// Every piece with a comma before it.
  [[nodiscard]] std::string_view bytes() const noexcept { return {bytes_begin(), ends()[count_ - 1].bytes}; }
  [[nodiscard]] std::uint32_t living() const noexcept { return living_; }
  /// Positions, holes counted.
  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  [[nodiscard]] Piece piece(std::uint32_t position) const noexcept;

  friend void intrusive_ptr_add_ref(const Chunk* chunk) noexcept {
    chunk->references_.fetch_add(1, std::memory_order_relaxed);
  }
  friend void intrusive_ptr_release(const Chunk* chunk) noexcept {
    if (chunk->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(chunk);
  }

 private:
  /// Where a piece's bytes and facts end.
  struct Ends {
    std::uint32_t bytes;
    std::uint32_t facts;
  };
  class Writer;

  Chunk(std::uint32_t count, std::uint32_t facts_size) : count_(count), facts_size_(facts_size) {}
  ~Chunk() = default;
  static void destroy(const Chunk* chunk) noexcept;

  [[nodiscard]] Ends ends_before(std::uint32_t position) const noexcept {
    return position == 0 ? Ends{0, 0} : ends()[position - 1];
  }
  [[nodiscard]] const Ends* ends() const noexcept { return reinterpret_cast<const Ends*>(this + 1); }
  [[nodiscard]] Ends* ends() noexcept { return reinterpret_cast<Ends*>(this + 1); }
  [[nodiscard]] const char* facts_begin() const noexcept { return reinterpret_cast<const char*>(ends() + count_); }
  [[nodiscard]] char* facts_begin() noexcept { return reinterpret_cast<char*>(ends() + count_); }
  [[nodiscard]] const char* bytes_begin() const noexcept { return facts_begin() + facts_size_; }
  [[nodiscard]] char* bytes_begin() noexcept { return facts_begin() + facts_size_; }

  mutable std::atomic<std::uint32_t> references_{0};
  std::uint32_t count_;
  std::uint32_t living_ = 0;
  std::uint32_t facts_size_;
};

}  // namespace rollcall
