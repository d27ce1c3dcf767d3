#include "catalog/encoded_list.hpp"

#include <array>
#include <cstring>
#include <utility>

#include "catalog/chunk.hpp"

namespace rollcall {
namespace {

using Edits = std::span<const EncodedList::Replacement>;

/// Few children a node: a new version of a node counts a reference to each of them, a likely cache miss each.
constexpr std::uint32_t kFanoutBits = 3;
constexpr std::uint32_t kFanout = 1U << kFanoutBits;

/// Inner node of the tree over the chunks. Those of level 0 hold chunks.
struct Node {
  mutable std::atomic<std::uint32_t> references{0};
  std::uint32_t level = 0;
  std::size_t living = 0;
  std::array<const void*, kFanout> children{};

  [[nodiscard]] const Chunk* chunk(std::uint32_t i) const noexcept { return static_cast<const Chunk*>(children[i]); }
  [[nodiscard]] const Node* node(std::uint32_t i) const noexcept { return static_cast<const Node*>(children[i]); }

  friend void intrusive_ptr_add_ref(const Node* node) noexcept {
    node->references.fetch_add(1, std::memory_order_relaxed);
  }
  friend void intrusive_ptr_release(const Node* node) noexcept {
    if (node->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete node;
  }

  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node() {
    for (std::uint32_t i = 0; i < kFanout; ++i) {
      if (children[i] == nullptr) continue;
      if (level == 0) {
        intrusive_ptr_release(chunk(i));
      } else {
        intrusive_ptr_release(node(i));
      }
    }
  }
};
using NodePtr = boost::intrusive_ptr<const Node>;

/// How many chunks lie below one child of a node of that level.
constexpr std::uint64_t chunks_per_child(std::uint32_t level) { return std::uint64_t{1} << (kFanoutBits * level); }

struct Editor {
  std::uint64_t pieces_per_chunk;

  /// `old` (null: empty) with `edits` made. Null when nothing is left. `first` is its first piece's index.
  NodePtr edit(const Node* old, std::uint32_t level, std::uint64_t first, Edits edits) const {
    boost::intrusive_ptr<Node> made(new Node);
    made->level = level;
    if (old != nullptr) prefetch(*old);
    const auto pieces_per_child = chunks_per_child(level) * pieces_per_chunk;
    for (std::uint32_t i = 0; i < kFanout; ++i) {
      const auto begin = first + i * pieces_per_child;
      const auto mine = take_below(edits, begin + pieces_per_child);
      const void* const had = old == nullptr ? nullptr : old->children[i];
      if (level == 0) {
        set_chunk(*made, i, static_cast<const Chunk*>(had), begin, mine);
      } else {
        set_node(*made, i, static_cast<const Node*>(had), begin, mine);
      }
    }
    return made->living == 0 ? NodePtr() : NodePtr(made);
  }

 private:
  static void prefetch(const Node& old) {
    for (const auto* child : old.children) __builtin_prefetch(child, 1);
  }

  /// Cuts the edits with an index below `end` off the front.
  static Edits take_below(Edits& edits, std::uint64_t end) {
    std::size_t n = 0;
    while (n < edits.size() && edits[n].index < end) ++n;
    const auto taken = edits.first(n);
    edits = edits.subspan(n);
    return taken;
  }

  static void set_chunk(Node& made, std::uint32_t i, const Chunk* had, std::uint64_t begin, Edits mine) {
    ChunkPtr chunk = mine.empty() ? ChunkPtr(had) : Chunk::edited(had, mine, static_cast<std::uint32_t>(begin));
    if (!chunk) return;
    made.living += chunk->living();
    made.children[i] = chunk.detach();
  }

  void set_node(Node& made, std::uint32_t i, const Node* had, std::uint64_t begin, Edits mine) const {
    NodePtr node = mine.empty() ? NodePtr(had) : edit(had, made.level - 1, begin, mine);
    if (!node) return;
    made.living += node->living;
    made.children[i] = node.detach();
  }
};

template <class Visit>
void visit_chunks(const Node& node, Visit& visit) {
  for (std::uint32_t i = 0; i < kFanout; ++i) {
    if (node.children[i] == nullptr) continue;
    if (node.level == 0) {
      visit(*node.chunk(i));
    } else {
      visit_chunks(*node.node(i), visit);
    }
  }
}

bool has_tag(std::string_view tags, std::string_view wanted) noexcept {
  while (!tags.empty()) {
    std::uint16_t size = 0;
    std::memcpy(&size, tags.data(), sizeof size);
    if (tags.substr(sizeof size, size) == wanted) return true;
    tags.remove_prefix(sizeof size + size);
  }
  return false;
}

bool matches(std::string_view facts, const PieceFilter& filter) noexcept {
  if (filter.empty()) return true;
  if (facts.size() < 2) return false;
  if (filter.status && static_cast<char>(std::to_underlying(*filter.status)) != facts[0]) return false;
  if (filter.source && static_cast<char>(std::to_underlying(*filter.source)) != facts[1]) return false;
  return filter.tag.empty() || has_tag(facts.substr(2), filter.tag);
}

class RadixList final : public EncodedList {
 public:
  RadixList(NodePtr root, std::uint32_t pieces_per_chunk)
      : root_(std::move(root)), pieces_per_chunk_(pieces_per_chunk) {}

  std::size_t size() const noexcept override { return root_ ? root_->living : 0; }

  void for_each_chunk(const std::function<void(std::string_view)>& visit) const override {
    bool first = true;
    auto each = [&](const Chunk& chunk) { visit(chunk.bytes().substr(std::exchange(first, false) ? 1 : 0)); };
    if (root_) visit_chunks(*root_, each);
  }

  std::size_t append_matching(const PieceFilter& filter, std::string& out) const override {
    std::size_t found = 0;
    auto each = [&](const Chunk& chunk) {
      for (std::uint32_t i = 0; i < chunk.count(); ++i) {
        const auto piece = chunk.piece(i);
        if (piece.json.empty() || !matches(piece.facts, filter)) continue;
        if (found++ > 0) out += ',';
        out += piece.json;
      }
    };
    if (root_) visit_chunks(*root_, each);
    return found;
  }

  std::shared_ptr<const EncodedList> edited(Edits edits) const override {
    const Editor editor{pieces_per_chunk_};
    auto root = root_;
    if (!edits.empty()) {
      root = tall_enough(edits.back().index);
      root = editor.edit(root.get(), root ? root->level : level_for(edits.back().index), 0, edits);
    }
    return std::make_shared<RadixList>(std::move(root), pieces_per_chunk_);
  }

  Piece piece(std::uint32_t index) const override {
    if (!root_ || index / pieces_per_chunk_ >= chunks_per_child(root_->level + 1)) return {};
    const std::uint64_t number = index / pieces_per_chunk_;
    const Node* node = root_.get();
    while (node != nullptr && node->level > 0) node = node->node(child_of(number, node->level));
    if (node == nullptr) return {};
    const auto* chunk = node->chunk(child_of(number, 0));
    return chunk == nullptr ? Piece{} : chunk->piece(index % pieces_per_chunk_);
  }

 private:
  static std::uint32_t child_of(std::uint64_t chunk_number, std::uint32_t level) {
    return static_cast<std::uint32_t>(chunk_number >> (kFanoutBits * level)) & (kFanout - 1);
  }

  std::uint32_t level_for(std::uint32_t index) const {
    std::uint32_t level = 0;
    while (index / pieces_per_chunk_ >= chunks_per_child(level + 1)) ++level;
    return level;
  }

  /// The root, under as many new levels as `index` needs.
  NodePtr tall_enough(std::uint32_t index) const {
    auto root = root_;
    while (root && index / pieces_per_chunk_ >= chunks_per_child(root->level + 1)) {
      boost::intrusive_ptr<Node> taller(new Node);
      taller->level = root->level + 1;
      taller->living = root->living;
      taller->children[0] = root.detach();
      root = taller;
    }
    return root;
  }

  NodePtr root_;
  std::uint32_t pieces_per_chunk_;
};

}  // namespace

void append_facts(std::string& out, Status status, Source source, std::span<const std::string> tags) {
  out += static_cast<char>(std::to_underlying(status));
  out += static_cast<char>(std::to_underlying(source));
  for (const auto& tag : tags) {
    const auto size = static_cast<std::uint16_t>(tag.size());
    char bytes[sizeof size];
    std::memcpy(bytes, &size, sizeof size);
    out.append(bytes, sizeof size);
    out.append(tag, 0, size);
  }
}

std::shared_ptr<const EncodedList> EncodedList::make(std::uint32_t pieces_per_chunk) {
  return std::make_shared<RadixList>(NodePtr(), pieces_per_chunk);
}

}  // namespace rollcall
