#include "catalog/chunk.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace rollcall {

/// Fills a new chunk from the front.
class Chunk::Writer {
 public:
  explicit Writer(Chunk& to) : to_(to) {}

  /// Positions [first, last) of `from`, in one go.
  void copy(const Chunk& from, std::uint32_t first, std::uint32_t last) {
    if (first >= last) return;
    const auto begin = from.ends_before(first);
    const auto end = from.ends()[last - 1];
    std::memcpy(to_.facts_begin() + at_.facts, from.facts_begin() + begin.facts, end.facts - begin.facts);
    std::memcpy(to_.bytes_begin() + at_.bytes, from.bytes_begin() + begin.bytes, end.bytes - begin.bytes);
    auto previous = begin.bytes;
    for (auto i = first; i < last; ++i) {
      const auto ends = from.ends()[i];
      to_.ends()[position_++] = {at_.bytes + (ends.bytes - begin.bytes), at_.facts + (ends.facts - begin.facts)};
      if (ends.bytes != previous) ++to_.living_;
      previous = ends.bytes;
    }
    at_ = to_.ends()[position_ - 1];
  }

  void put(const Piece& piece) {
    if (!piece.json.empty()) {
      auto* bytes = to_.bytes_begin() + at_.bytes;
      *bytes = ',';
      std::memcpy(bytes + 1, piece.json.data(), piece.json.size());
      at_.bytes += static_cast<std::uint32_t>(piece.json.size()) + 1;
      if (!piece.facts.empty()) {
        std::memcpy(to_.facts_begin() + at_.facts, piece.facts.data(), piece.facts.size());
      }
      at_.facts += static_cast<std::uint32_t>(piece.facts.size());
      ++to_.living_;
    }
    to_.ends()[position_++] = at_;
  }

  void put_holes_until(std::uint32_t position) {
    while (position_ < position) put({});
  }

 private:
  Chunk& to_;
  std::uint32_t position_ = 0;
  Ends at_{0, 0};
};

Piece Chunk::piece(std::uint32_t position) const noexcept {
  if (position >= count_) return {};
  const auto begin = ends_before(position);
  const auto end = ends()[position];
  if (begin.bytes == end.bytes) return {};
  return {.json = {bytes_begin() + begin.bytes + 1, end.bytes - begin.bytes - 1},
          .facts = {facts_begin() + begin.facts, end.facts - begin.facts}};
}

ChunkPtr Chunk::edited(const Chunk* old, std::span<const EncodedList::Replacement> edits, std::uint32_t first) {
  const std::uint32_t old_count = old == nullptr ? 0 : old->count_;
  std::uint32_t count = old_count;
  std::size_t bytes_size = old == nullptr ? 0 : old->bytes().size();
  std::size_t facts_size = old == nullptr ? 0 : old->facts_size_;
  for (const auto& edit : edits) {
    const auto position = edit.index - first;
    if (position < old_count) {
      const auto begin = old->ends_before(position);
      const auto end = old->ends()[position];
      bytes_size -= end.bytes - begin.bytes;
      facts_size -= end.facts - begin.facts;
    }
    if (edit.piece.json.empty()) continue;
    count = std::max(count, position + 1);
    bytes_size += edit.piece.json.size() + 1;
    facts_size += edit.piece.facts.size();
  }
  if (bytes_size == 0) return nullptr;

  void* memory = ::operator new(sizeof(Chunk) + count * sizeof(Ends) + facts_size + bytes_size);
  auto* chunk = new (memory) Chunk(count, static_cast<std::uint32_t>(facts_size));
  Writer writer(*chunk);
  std::uint32_t done = 0;
  for (const auto& edit : edits) {
    const auto position = edit.index - first;
    if (position >= count) continue;  // a hole behind the end
    if (old != nullptr) writer.copy(*old, done, std::min(position, old_count));
    writer.put_holes_until(position);
    writer.put(edit.piece);
    done = position + 1;
  }
  if (old != nullptr) writer.copy(*old, done, old_count);
  return ChunkPtr(chunk);
}

void Chunk::destroy(const Chunk* chunk) noexcept {
  chunk->~Chunk();
  ::operator delete(const_cast<void*>(static_cast<const void*>(chunk)));
}

}  // namespace rollcall
