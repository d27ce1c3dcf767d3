#pragma once
// A persistent list of encoded pieces. Pieces live in chunks that are shared between versions: changing one piece of a
// list of 100,000 rebuilds one chunk and the short path to it. What filters ask for lies beside the bytes, so that
// reading never touches an Instance.
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/instance.hpp"

namespace rollcall {

/// One element as it goes into a list.
struct Piece {
  std::string json;
  Status status = Status::passing;
  Source source = Source::api;
  std::vector<std::string> tags;
};

/// What of a list a reader wants. An empty field takes everything.
struct PieceFilter {
  std::optional<Status> status;
  std::optional<Source> source;
  std::string tag;
  [[nodiscard]] bool empty() const noexcept { return !status && !source && tag.empty(); }
};

class EncodedList {
 public:
  /// One edit: `index` == size() appends. Removal moves the last piece into the hole (remove(i) of the writer's
  /// builder).
  struct Replacement {
    std::size_t index;
    Piece piece;
  };

  virtual ~EncodedList() = default;

  [[nodiscard]] virtual std::size_t size() const noexcept = 0;

  /// The chunks' bytes, in order, pieces joined by commas and chunks beginning with one except the first: their
  /// concatenation is the inside of a JSON array. Valid as long as this list.
  virtual void for_each_chunk(const std::function<void(std::string_view bytes)>& visit) const = 0;

  /// Appends the pieces that match, joined by commas; returns how many.
  virtual std::size_t append_matching(const PieceFilter& filter, std::string& out) const = 0;

  /// The empty list.
  [[nodiscard]] static std::shared_ptr<const EncodedList> make();

  /// A new version with `edits` made and then cut to `size` pieces. Indices are unique and ascending.
  [[nodiscard]] virtual std::shared_ptr<const EncodedList> edited(std::span<const Replacement> edits,
                                                                  std::size_t size) const = 0;

  /// Copies piece `index` (the writer moves the last piece into a hole with it).
  [[nodiscard]] virtual Piece piece(std::size_t index) const = 0;
};

}  // namespace rollcall
