#include "codec/shown_list.hpp"

#include <algorithm>

#include "codec/document.hpp"

namespace rollcall::codec {

std::optional<ShownInstance> ShownList::next() noexcept {
  (void)take(',');
  if (!take('{')) return std::nullopt;
  ShownInstance instance;
  do {
    if (!take_member(instance)) return std::nullopt;
  } while (take(','));
  return take('}') ? std::optional(instance) : std::nullopt;
}

bool ShownList::take(char expected) noexcept {
  if (!rest_.starts_with(expected)) return false;
  rest_.remove_prefix(1);
  return true;
}

bool ShownList::take_member(ShownInstance& instance) noexcept {
  const auto name = take_text();
  if (!name || !take(':')) return false;
  const auto value = take_value();
  if (!value) return false;
  if (*name == "id") instance.id = *value;
  if (*name == "address") instance.address = *value;
  if (*name == "port") instance.port = *value;
  if (*name == "status") instance.status = *value;
  if (*name == "ttl") instance.leased = true;
  return true;
}

std::optional<std::string_view> ShownList::take_text() noexcept {
  if (!rest_.starts_with('"')) return std::nullopt;
  for (std::size_t end = 1; end < rest_.size(); ++end) {
    if (rest_[end] == '\\') {
      ++end;
    } else if (rest_[end] == '"') {
      const auto text = rest_.substr(1, end - 1);
      rest_.remove_prefix(end + 1);
      return text;
    }
  }
  return std::nullopt;
}

/// A text without its quotes, a number as it is; nothing of what nests, which is stepped over.
std::optional<std::string_view> ShownList::take_value() noexcept {
  if (rest_.starts_with('"')) return take_text();
  if (rest_.starts_with('{') || rest_.starts_with('[')) return skip_nested() ? std::optional("") : std::nullopt;
  const auto end = std::min(rest_.find_first_of(",}"), rest_.size());
  const auto value = rest_.substr(0, end);
  rest_.remove_prefix(end);
  return value.empty() ? std::nullopt : std::optional(value);
}

bool ShownList::skip_nested() noexcept {
  std::size_t depth = 0;
  while (!rest_.empty()) {
    const char byte = rest_.front();
    if (byte == '"') {
      if (!take_text()) return false;
      continue;
    }
    rest_.remove_prefix(1);
    if (byte == '{' || byte == '[') ++depth;
    if ((byte == '}' || byte == ']') && --depth == 0) return true;
  }
  return false;
}

std::string unescaped(std::string_view escaped) {
  if (!escaped.contains('\\')) return std::string(escaped);
  const auto json = '"' + std::string(escaped) + '"';
  Document document;
  return document.parse(json, 1) ? std::string(document.root().text) : std::string(escaped);
}

}  // namespace rollcall::codec
