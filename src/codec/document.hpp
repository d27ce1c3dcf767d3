#pragma once
// A parsed JSON text as a flat array of values, in the order written. Unlike a map of members it still knows what was
// written twice, and it costs no allocation for the bodies that clients usually send. Private to this folder.

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace rollcall::codec {

enum class JsonKind : std::uint8_t { null, boolean, integer, real, text, array, object };

[[nodiscard]] std::string_view name_of(JsonKind kind) noexcept;

struct JsonValue {
  std::string_view key;   ///< inside an object
  std::string_view text;  ///< of a text
  double real = 0;        ///< of an integer or a real
  std::int64_t integer = 0;
  std::uint32_t end = 0;  ///< index behind the last value inside this one
  JsonKind kind = JsonKind::null;
  bool boolean = false;
};

/// Lives on the stack. Texts point into the parsed bytes, or into the document where they had escapes.
class Document {
 public:
  Document() = default;
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  /// Strict JSON in UTF-8, one value, at most `most_values` values, nested at most kMaxDepth deep.
  [[nodiscard]] Result<void> parse(std::string_view json, std::size_t most_values);

  [[nodiscard]] const JsonValue& root() const noexcept { return values_.front(); }

  /// Calls `visit(const JsonValue&) -> Result<void>` for each direct child until one fails.
  template <class Visit>
  [[nodiscard]] Result<void> for_each_in(const JsonValue& container, Visit&& visit) const {
    const auto first = static_cast<std::size_t>(&container - values_.data()) + 1;
    for (std::size_t i = first; i < container.end; i = values_[i].end) {
      if (auto ok = visit(values_[i]); !ok) return ok;
    }
    return {};
  }

  static constexpr std::size_t kMaxDepth = 8;

 private:
  friend class DocumentBuilder;

  alignas(std::max_align_t) std::byte buffer_[8192];
  std::pmr::monotonic_buffer_resource memory_{buffer_, sizeof buffer_};
  std::pmr::vector<JsonValue> values_{&memory_};
};

}  // namespace rollcall::codec
