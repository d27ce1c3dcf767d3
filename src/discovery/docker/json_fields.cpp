#include "discovery/docker/json_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>

namespace rollcall::docker {
namespace {

namespace json = boost::json;

template <class T>
bool parse_digits(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

/// "2026-11-21T22:47:41.437643345Z"
WallTime parse_time(std::string_view text) {
  namespace chrono = std::chrono;
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const bool ok = text.size() > kForm.size() && parse_digits(text.substr(0, 4), year) &&
                  parse_digits(text.substr(5, 2), month) && parse_digits(text.substr(8, 2), day) &&
                  parse_digits(text.substr(11, 2), hour) && parse_digits(text.substr(14, 2), minute) &&
                  parse_digits(text.substr(17, 2), second);
  const chrono::year_month_day date{chrono::year(year), chrono::month(month), chrono::day(day)};
  if (!ok || !date.ok()) return {};
  std::string milliseconds(text.substr(kForm.size() + 1, 3));
  milliseconds.resize(std::min(milliseconds.find_first_not_of("0123456789"), milliseconds.size()));
  milliseconds.resize(3, '0');
  int fraction = 0;
  if (text[kForm.size()] == '.') parse_digits(milliseconds, fraction);
  return chrono::sys_days(date) + chrono::hours(hour) + chrono::minutes(minute) + chrono::seconds(second) +
         chrono::milliseconds(fraction);
}

}  // namespace

std::unexpected<Error> not_an_answer(std::string_view what) {
  return fail(ErrorCode::incompatible, fmt::format("what the engine answered is no {}", what));
}

const json::object& object_at(const json::object& object, std::string_view key) {
  static const json::object kNone;
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? value->get_object() : kNone;
}

const json::array& array_at(const json::object& object, std::string_view key) {
  static const json::array kNone;
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_array() ? value->get_array() : kNone;
}

std::string text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(std::string_view(value->get_string())) : std::string();
}

std::uint64_t number_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) return 0;
  if (value->is_uint64()) return value->get_uint64();
  return value->is_int64() && value->get_int64() > 0 ? static_cast<std::uint64_t>(value->get_int64()) : 0;
}

bool flag_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::uint16_t port_at(const json::object& object, std::string_view key) {
  const auto number = number_at(object, key);
  return number <= 65'535 ? static_cast<std::uint16_t>(number) : std::uint16_t{0};
}

WallTime time_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? parse_time(value->get_string()) : WallTime{};
}

Labels labels_at(const json::object& object, std::string_view key) {
  Labels labels;
  for (const auto& [name, value] : object_at(object, key)) {
    if (value.is_string()) labels.emplace_back(std::string(name), std::string(value.get_string()));
  }
  std::ranges::sort(labels);
  return labels;
}

Result<json::object> parse_object(std::string_view body, std::string_view what) {
  boost::system::error_code error;
  auto value = json::parse(body, error);
  if (error || !value.is_object()) return not_an_answer(what);
  return std::move(value.get_object());
}

}  // namespace rollcall::docker
