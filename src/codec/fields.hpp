#pragma once
// Reads typed fields out of a Document; every error names the field by its path. Private to this folder.
#include <array>
#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "codec/document.hpp"

namespace rollcall::codec {

/// Part of an error's field that a client chose: cut, so that an answer stays short.
[[nodiscard]] std::string clipped(std::string_view text);

/// "check" and "interval" make "check.interval".
[[nodiscard]] std::string join_path(std::string_view path, std::string_view name);

/// Finds each child of `object` in `names` and puts it at the same place in `found`. Unknown and repeated members fail.
[[nodiscard]] Result<void> take_members(const Document& document, const JsonValue& object, std::string_view path,
                                        std::span<const std::string_view> names, std::span<const JsonValue*> found);

/// The root must be an object; then as take_members().
[[nodiscard]] Result<void> take_root(const Document& document, std::span<const std::string_view> names,
                                     std::span<const JsonValue*> found);

[[nodiscard]] std::unexpected<Error> wrong_type(const JsonValue& value, std::string_view field,
                                                std::string_view wanted);

/// A whole number from `min` to `max`.
[[nodiscard]] Result<std::int64_t> read_integer(const JsonValue& value, std::string_view field, std::int64_t min,
                                                std::int64_t max);

[[nodiscard]] Result<std::string_view> read_text(const JsonValue& value, std::string_view field);

/// UTF-8 without control characters, `min` to `max` bytes.
[[nodiscard]] Result<std::string_view> read_plain_text(const JsonValue& value, std::string_view field, std::size_t min,
                                                       std::size_t max);

/// "500ms", "30s", "1.5m", "1h"; a bare number is seconds.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text, std::string_view field);

/// 1 to 65535 in decimal.
[[nodiscard]] Result<std::uint16_t> parse_port(std::string_view digits, std::string_view field);

/// Seconds as a number, or a text with a unit: "500ms", "30s", "1.5m", "1h".
[[nodiscard]] Result<std::chrono::milliseconds> read_duration(const JsonValue& value, std::string_view field);

}  // namespace rollcall::codec
