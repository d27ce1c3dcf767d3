#pragma once
// Logs go to standard error, one line each, never with secrets or patients' data.
#include <fmt/format.h>

#include <cstdint>
#include <string_view>
#include <utility>

namespace rollcall::log {

enum class Level : std::uint8_t { debug, info, warning, error };

/// Before the first line; not while others log.
void set_level(Level level) noexcept;
[[nodiscard]] bool enabled(Level level) noexcept;

/// Text is the line below; json an object a line with `time`, `level`, `role`, `logger` and `message`.
enum class Format : std::uint8_t { text, json };

/// Before the first line; not while others log.
void set_format(Format format) noexcept;

/// Before the first line: what this process is, if not the service registry. A literal.
void set_role(const char* role) noexcept;

/// `2026-01-15T10:30:00+00:00 INFO role=service-registry logger=main text`; control characters in `text` are escaped.
void write(Level level, std::string_view logger, std::string_view text) noexcept;

/// Counts of lines written at warning and error since start, for tests and metrics.
[[nodiscard]] std::uint64_t lines_written(Level level) noexcept;

template <class... Args>
void debug(std::string_view logger, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::debug)) write(Level::debug, logger, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(std::string_view logger, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::info)) write(Level::info, logger, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(std::string_view logger, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::warning)) write(Level::warning, logger, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(std::string_view logger, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::error)) write(Level::error, logger, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace rollcall::log
