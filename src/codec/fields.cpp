#include "codec/fields.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "model/validate.hpp"

namespace rollcall::codec {
namespace {

constexpr std::size_t kShownFieldBytes = 128;

/// Longest duration that is read at all; each field's own range is far below.
constexpr double kMostSeconds = 1e9;

struct Unit {
  std::string_view suffix;
  double seconds;
};
// "ms" before "s" and "m": the first suffix that fits is taken.
constexpr std::array kUnits{Unit{"ms", 0.001}, Unit{"s", 1}, Unit{"m", 60}, Unit{"h", 3600}, Unit{"d", 86400}};

constexpr std::string_view kDurationWanted = "a number of seconds, or a string such as \"30s\" or \"1m\"";

Result<double> seconds_of(std::string_view text, std::string_view field) {
  for (const auto& unit : kUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    const auto digits = text.substr(0, text.size() - unit.suffix.size());
    double number = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || end != digits.data() + digits.size()) break;
    return number * unit.seconds;
  }
  return fail(ErrorCode::invalid, fmt::format("is not a duration; allowed is {}", kDurationWanted), std::string(field));
}

Result<std::chrono::milliseconds> duration_of(double seconds, std::string_view field) {
  if (!(seconds >= 0 && seconds <= kMostSeconds)) {
    return fail(ErrorCode::invalid, fmt::format("is out of range; allowed are 0 to {} s", kMostSeconds),
                std::string(field));
  }
  return std::chrono::milliseconds(std::llround(seconds * 1000));
}

Result<void> unknown_member(const JsonValue& member, std::string_view path, std::span<const std::string_view> names) {
  return fail(ErrorCode::invalid, fmt::format("is not a known field; known are {}", fmt::join(names, ", ")),
              join_path(path, member.key));
}

}  // namespace

std::string clipped(std::string_view text) {
  if (text.size() <= kShownFieldBytes) return std::string(text);
  auto length = kShownFieldBytes;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
  return std::string(text.substr(0, length)) + "...";
}

std::string join_path(std::string_view path, std::string_view name) {
  return path.empty() ? clipped(name) : std::string(path) + '.' + clipped(name);
}

std::unexpected<Error> wrong_type(const JsonValue& value, std::string_view field, std::string_view wanted) {
  return fail(ErrorCode::invalid, fmt::format("is {}; allowed is {}", name_of(value.kind), wanted), std::string(field));
}

Result<void> take_members(const Document& document, const JsonValue& object, std::string_view path,
                          std::span<const std::string_view> names, std::span<const JsonValue*> found) {
  return document.for_each_in(object, [&](const JsonValue& member) -> Result<void> {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] != member.key) continue;
      if (found[i] != nullptr) return fail(ErrorCode::invalid, "is there twice", join_path(path, member.key));
      found[i] = &member;
      return {};
    }
    return unknown_member(member, path, names);
  });
}

Result<void> take_root(const Document& document, std::span<const std::string_view> names,
                       std::span<const JsonValue*> found) {
  const auto& root = document.root();
  if (root.kind != JsonKind::object) {
    return fail(ErrorCode::invalid, fmt::format("the body is {}; allowed is an object", name_of(root.kind)));
  }
  return take_members(document, root, {}, names, found);
}

Result<std::int64_t> read_integer(const JsonValue& value, std::string_view field, std::int64_t min, std::int64_t max) {
  if (value.kind != JsonKind::integer && value.kind != JsonKind::real) {
    return wrong_type(value, field, fmt::format("an integer from {} to {}", min, max));
  }
  if (value.kind == JsonKind::real || value.integer < min || value.integer > max) {
    return fail(ErrorCode::invalid, fmt::format("is {}; allowed are integers from {} to {}", value.real, min, max),
                std::string(field));
  }
  return value.integer;
}

Result<std::string_view> read_text(const JsonValue& value, std::string_view field) {
  if (value.kind != JsonKind::text) return wrong_type(value, field, "a string");
  return value.text;
}

Result<std::string_view> read_plain_text(const JsonValue& value, std::string_view field, std::size_t min,
                                         std::size_t max) {
  if (value.kind != JsonKind::text) return wrong_type(value, field, "a string");
  if (value.text.size() < min || value.text.size() > max) {
    return fail(ErrorCode::invalid, fmt::format("has {} bytes; allowed are {} to {}", value.text.size(), min, max),
                std::string(field));
  }
  if (value.text.empty()) return value.text;
  ModelLimits limits;
  limits.name_bytes = max;
  if (auto ok = validate_name(value.text, field, limits); !ok) return std::unexpected(std::move(ok.error()));
  return value.text;
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text, std::string_view field) {
  double bare = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, bare, std::chars_format::fixed);
  if (error == std::errc{} && rest == end) return duration_of(bare, field);
  const auto seconds = seconds_of(text, field);
  if (!seconds) return std::unexpected(seconds.error());
  return duration_of(*seconds, field);
}

Result<std::uint16_t> parse_port(std::string_view digits, std::string_view field) {
  unsigned port = 0;
  const auto* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, port);
  if (error == std::errc{} && rest == end && port >= 1 && port <= 65'535) return static_cast<std::uint16_t>(port);
  return fail(ErrorCode::invalid, "is no port; allowed are 1 to 65535", std::string(field));
}

Result<std::chrono::milliseconds> read_duration(const JsonValue& value, std::string_view field) {
  if (value.kind == JsonKind::integer || value.kind == JsonKind::real) return duration_of(value.real, field);
  if (value.kind != JsonKind::text) return wrong_type(value, field, kDurationWanted);
  const auto seconds = seconds_of(value.text, field);
  if (!seconds) return std::unexpected(seconds.error());
  return duration_of(*seconds, field);
}

}  // namespace rollcall::codec
