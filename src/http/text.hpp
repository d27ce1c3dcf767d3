#pragma once
// Small pieces of text handling that the HTTP layer needs and no library at hand gives: http/ may not include codec/.
#include <string>
#include <string_view>

namespace rollcall::http {

/// ASCII only, as HTTP compares its tokens.
[[nodiscard]] bool iequals(std::string_view a, std::string_view b) noexcept;

/// Without spaces and tabs at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

/// RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// Appends `text` as a JSON string with its quotes. Bytes that aren't UTF-8 become U+FFFD.
void append_json_string(std::string_view text, std::string& out);

}  // namespace rollcall::http
