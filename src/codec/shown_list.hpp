#pragma once
// The way from a view's bytes back to what a few of its members say, without a parser's cost: a service of 100,000
// instances is some 30 MB of JSON.
#include <optional>
#include <string>
#include <string_view>

namespace rollcall::codec {

/// Members of an instance as append_instance() wrote them; texts are still escaped.
struct ShownInstance {
  std::string_view id;
  std::string_view address;
  std::string_view port;
  std::string_view status;
  bool leased = false;
};

/// Walks over instances that append_instance() wrote, joined by commas. Only for such bytes of our own: what else comes
/// ends the walk.
class ShownList {
 public:
  explicit ShownList(std::string_view bytes) noexcept : rest_(bytes) {}
  /// The next instance, or nullopt at the end.
  [[nodiscard]] std::optional<ShownInstance> next() noexcept;

 private:
  bool take(char expected) noexcept;
  bool take_member(ShownInstance& instance) noexcept;
  std::optional<std::string_view> take_text() noexcept;
  std::optional<std::string_view> take_value() noexcept;
  bool skip_nested() noexcept;

  std::string_view rest_;
};

/// A text without its escapes; `escaped` is one that append_string() wrote, without its quotes.
[[nodiscard]] std::string unescaped(std::string_view escaped);

}  // namespace rollcall::codec
