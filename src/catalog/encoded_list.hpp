#pragma once
// A persistent list of encoded pieces. Pieces live in chunks that are shared between versions: changing one piece of a
// list of 100,000 rebuilds one chunk and the short path to it. What filters ask for lies beside the bytes, so that
// reading never touches an Instance.
//
// A piece keeps its index for life. A removed one leaves a hole, which costs nothing once its chunk is empty; the
// writer fills holes again as it likes.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/instance.hpp"

namespace rollcall {

/// One element of a list, or as it goes into one. An empty `json` is a hole.
struct Piece {
  std::string_view json;
  std::string_view facts;  ///< what filters ask for, as append_facts() writes it; empty: matches no filter
};

/// Appends what filters ask for, as bytes.
void append_facts(std::string& out, Status status, Source source, std::span<const std::string> tags);

/// What of a list a reader wants. An empty field takes everything.
struct PieceFilter {
  std::optional<Status> status;
  std::optional<Source> source;
  std::string tag;
  [[nodiscard]] bool empty() const noexcept { return !status && !source && tag.empty(); }
};

class EncodedList {
 public:
  struct Replacement {
    std::uint32_t index;
    Piece piece;
  };

  virtual ~EncodedList() = default;

  /// Pieces, holes not counted.
  [[nodiscard]] virtual std::size_t size() const noexcept = 0;

  /// The chunks' bytes, in order, pieces joined by commas and chunks beginning with one except the first: their
  /// concatenation is the inside of a JSON array. Valid as long as this list.
  virtual void for_each_chunk(const std::function<void(std::string_view bytes)>& visit) const = 0;

  /// Appends the pieces that match, joined by commas; returns how many.
  virtual std::size_t append_matching(const PieceFilter& filter, std::string& out) const = 0;

  /// A new version with `edits` made, whose indices are unique and ascending. Pieces may point into this list.
  [[nodiscard]] virtual std::shared_ptr<const EncodedList> edited(std::span<const Replacement> edits) const = 0;

  /// Piece `index`, or a hole. Valid as long as this list.
  [[nodiscard]] virtual Piece piece(std::uint32_t index) const = 0;

  static constexpr std::uint32_t kPiecesPerChunk = 32;

  /// The empty list.
  [[nodiscard]] static std::shared_ptr<const EncodedList> make(std::uint32_t pieces_per_chunk = kPiecesPerChunk);
};

}  // namespace rollcall
