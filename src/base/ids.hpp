#pragma once
// Strong types for what would otherwise be a naked string or integer (style.md 9).
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace rollcall {

/// A text that names one kind of thing. Converts to text by asking, never by accident.
template <class Tag>
class StrongText {
 public:
  StrongText() = default;
  explicit StrongText(std::string text) : text_(std::move(text)) {}
  explicit StrongText(std::string_view text) : text_(text) {}
  explicit StrongText(const char* text) : text_(text) {}

  [[nodiscard]] const std::string& str() const& noexcept { return text_; }
  [[nodiscard]] std::string str() && noexcept { return std::move(text_); }
  [[nodiscard]] std::string_view view() const noexcept { return text_; }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

  friend bool operator==(const StrongText&, const StrongText&) = default;
  friend auto operator<=>(const StrongText&, const StrongText&) = default;

 private:
  std::string text_;
};

/// A 64-bit number that counts one kind of thing. Zero means "none".
template <class Tag>
struct StrongNumber {
  std::uint64_t value = 0;

  [[nodiscard]] explicit operator bool() const noexcept { return value != 0; }
  friend bool operator==(StrongNumber, StrongNumber) = default;
  friend auto operator<=>(StrongNumber, StrongNumber) = default;
};

using ServiceName = StrongText<struct ServiceNameTag>;
using InstanceId = StrongText<struct InstanceIdTag>;

/// A client's nonce that tells one life of an instance id from the next. Empty when the client has none.
using Session = StrongText<struct SessionTag>;

/// Position in the log: rises, may have gaps, below 2^53, never reused within a generation.
using Revision = StrongNumber<struct RevisionTag>;

/// Which log the revisions belong to. Restoring a backup starts a new one.
using Generation = StrongNumber<struct GenerationTag>;

/// The Store's own integer key of an instance id: dense, starts at 1, 0 until the Store has given one.
using InstanceNumber = StrongNumber<struct InstanceNumberTag>;

/// Which life of an id: starts at 1, rises with each new session.
using Incarnation = StrongNumber<struct IncarnationTag>;

/// One life of a node's process among those that share a log: random, below 2^53.
using NodeId = StrongNumber<struct NodeIdTag>;

/// How many reports a node has made to the others: starts at 1.
using Round = StrongNumber<struct RoundTag>;

/// How often the office of the reaper has passed to a node. 0: not held, or not needed.
using Term = StrongNumber<struct TermTag>;

}  // namespace rollcall

template <class Tag>
struct std::hash<rollcall::StrongText<Tag>> {
  std::size_t operator()(const rollcall::StrongText<Tag>& text) const noexcept {
    return std::hash<std::string_view>{}(text.view());
  }
};

template <class Tag>
struct std::hash<rollcall::StrongNumber<Tag>> {
  std::size_t operator()(rollcall::StrongNumber<Tag> number) const noexcept {
    return std::hash<std::uint64_t>{}(number.value);
  }
};
