#include "base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <string>

namespace rollcall::log {
namespace {

struct LevelRow {
  std::string_view name;
  spdlog::level::level_enum spdlog_level;
};
constexpr std::array kLevels{
    LevelRow{"DEBUG", spdlog::level::debug},
    LevelRow{"INFO", spdlog::level::info},
    LevelRow{"WARNING", spdlog::level::warn},
    LevelRow{"ERROR", spdlog::level::err},
};

std::atomic<Level> g_level{Level::info};
std::atomic<const char*> g_role{"service-registry"};
std::atomic<Format> g_format{Format::text};
std::array<std::atomic<std::uint64_t>, kLevels.size()> g_lines{};

spdlog::logger& sink() {
  static const auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("rollcall", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern(g_format.load(std::memory_order_relaxed) == Format::json
                          ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e+00:00",%v})"
                          : "%Y-%m-%dT%H:%M:%S+00:00 %v",
                      spdlog::pattern_time_type::utc);
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

// A line stays a line, whatever a client put into a name.
std::string on_one_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (const char byte : text) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x20 || code == 0x7F) {
      fmt::format_to(std::back_inserter(line), "\\x{:02x}", code);
    } else {
      line += byte;
    }
  }
  return line;
}

/// JSON takes \u00XX where text has \xXX, and quotes need an escape too.
std::string as_json_text(std::string_view text) {
  std::string json;
  json.reserve(text.size() + 2);
  for (const char byte : text) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x20 || code == 0x7F) {
      fmt::format_to(std::back_inserter(json), "\\u{:04x}", code);
    } else {
      if (byte == '"' || byte == '\\') json += '\\';
      json += byte;
    }
  }
  return json;
}

}  // namespace

void set_role(const char* role) noexcept { g_role.store(role, std::memory_order_relaxed); }
void set_format(Format format) noexcept { g_format.store(format, std::memory_order_relaxed); }
void set_level(Level level) noexcept { g_level.store(level, std::memory_order_relaxed); }
bool enabled(Level level) noexcept { return level >= g_level.load(std::memory_order_relaxed); }

void write(Level level, std::string_view logger, std::string_view text) noexcept {
  const auto index = static_cast<std::size_t>(level);
  g_lines[index].fetch_add(1, std::memory_order_relaxed);
  if (!enabled(level)) return;
  try {
    const auto& row = kLevels[index];
    if (g_format.load(std::memory_order_relaxed) == Format::json) {
      sink().log(row.spdlog_level, R"("level":"{}","role":"{}","logger":"{}","message":"{}")", row.name,
                 g_role.load(std::memory_order_relaxed), logger, as_json_text(text));
      return;
    }
    sink().log(row.spdlog_level, "{} role={} logger={} {}", row.name, g_role.load(std::memory_order_relaxed), logger,
               on_one_line(text));
  } catch (...) {  // standard error is gone: nobody is left to tell
  }
}

std::uint64_t lines_written(Level level) noexcept {
  return g_lines[static_cast<std::size_t>(level)].load(std::memory_order_relaxed);
}

}  // namespace rollcall::log
