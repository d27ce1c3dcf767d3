#pragma once
// The kinds of rows that the table of settings is made of. Private to this folder.
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <limits>
#include <utility>

#include "server/settings.hpp"

namespace rollcall {

inline constexpr std::string_view kDurationForm = "a duration such as 500ms, 30s, 5m, 1h, 7d; a bare number is seconds";
inline constexpr std::string_view kBytesForm = "a number of bytes, also as 64KiB, 1MiB, 1GiB";
inline constexpr std::string_view kBytesOrNoneForm = "a number of bytes, also as 64KiB, 1MiB, 1GiB; 0 turns it off";
inline constexpr std::string_view kCountForm = "a whole number above 0";
inline constexpr std::string_view kSwitchForm = "true or false";

struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};
inline constexpr Unit kDurationUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
inline constexpr Unit kByteUnits[] = {{"KiB", 1U << 10}, {"MiB", 1U << 20}, {"GiB", 1U << 30}, {"B", 1}};

/// A number of at most 15 digits and one of `units`; `bare` is the factor without a unit.
[[nodiscard]] inline std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::span<const Unit> units,
                                                                  std::uint64_t bare) {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || number > 999'999'999'999'999ULL) return std::nullopt;
  const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
  if (suffix.empty()) return number * bare;
  for (const auto& unit : units) {
    std::uint64_t product = 0;
    if (suffix == unit.suffix && !__builtin_mul_overflow(number, unit.factor, &product)) return product;
  }
  return std::nullopt;
}

[[nodiscard]] inline std::string show_ms(std::chrono::milliseconds value) {
  if (value.count() % 1000 != 0) return fmt::format("{}ms", value.count());
  return fmt::format("{}s", value.count() / 1000);
}

/// `member(settings)` gives the place of the value.
template <class Member>
Setting duration(std::string_view key, std::string_view help, Member member) {
  return {
      key, kDurationForm, help,
      [member](Settings& settings, std::string_view text) {
        const auto value = parse_with_unit(text, kDurationUnits, 1000);
        if (!value) return false;
        using Type = std::remove_reference_t<decltype(member(settings))>;
        member(settings) = std::chrono::duration_cast<Type>(std::chrono::milliseconds(*value));
        return true;
      },
      [member](const Settings& settings) {
        return show_ms(std::chrono::duration_cast<std::chrono::milliseconds>(member(const_cast<Settings&>(settings))));
      }};
}

template <class Member>
Setting number(std::string_view key, std::string_view allowed, std::string_view help, Member member,
               std::span<const Unit> units = {}, std::uint64_t least = 1) {
  return {key, allowed, help,
          [member, units, least](Settings& settings, std::string_view text) {
            const auto value = parse_with_unit(text, units, 1);
            if (!value || *value < least) return false;
            using Type = std::remove_reference_t<decltype(member(settings))>;
            if (*value > static_cast<std::uint64_t>(std::numeric_limits<Type>::max())) return false;
            member(settings) = static_cast<Type>(*value);
            return true;
          },
          [member](const Settings& settings) { return fmt::format("{}", member(const_cast<Settings&>(settings))); }};
}

template <class Member>
Setting count(std::string_view key, std::string_view help, Member member) {
  return number(key, kCountForm, help, member);
}

template <class Member>
Setting bytes(std::string_view key, std::string_view help, Member member) {
  return number(key, kBytesForm, help, member, kByteUnits);
}

template <class Member>
Setting bytes_or_none(std::string_view key, std::string_view help, Member member) {
  return number(key, kBytesOrNoneForm, help, member, kByteUnits, 0);
}

template <class Member>
Setting toggle(std::string_view key, std::string_view help, Member member) {
  return {key, kSwitchForm, help,
          [member](Settings& settings, std::string_view text) {
            if (text != "true" && text != "false") return false;
            member(settings) = text == "true";
            return true;
          },
          [member](const Settings& settings) {
            return std::string(member(const_cast<Settings&>(settings)) ? "true" : "false");
          }};
}

/// "a, b,c" is a, b and c.
[[nodiscard]] std::vector<std::string> split_list(std::string_view text);

/// Of Docker.
[[nodiscard]] std::vector<Setting> docker_rows();
/// Of the socket protocol.
[[nodiscard]] std::vector<Setting> socket_rows();
/// Of what is published to others.
[[nodiscard]] std::vector<Setting> publish_rows();
/// Of PostgreSQL, and of the nodes that share a log in it.
[[nodiscard]] std::vector<Setting> cluster_rows();
/// Of what services use.
[[nodiscard]] std::vector<Setting> metrics_rows();

}  // namespace rollcall
