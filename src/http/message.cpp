#include "http/message.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "http/text.hpp"

namespace rollcall::http {
namespace {

constexpr std::array<std::string_view, 8> kMethodNames{"GET",    "HEAD",    "POST",  "PUT",
                                                       "DELETE", "OPTIONS", "PATCH", "other"};

constexpr int hex_value(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

constexpr bool is_unreserved(char byte) noexcept {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '-' ||
         byte == '.' || byte == '_' || byte == '~';
}

// In a query '+' stands for a space; in a path it is itself.
bool decode_into(std::string_view text, bool plus_is_space, std::string& out) {
  if (!text.contains('%') && !(plus_is_space && text.contains('+'))) {
    out = text;
    return true;
  }
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (text.size() - i < 3) return false;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return false;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return true;
}

struct RawPair {
  std::string_view name, value;
};

// Takes the first `name=value` off `query`; empty ones ("a=1&&b=2") are passed over.
std::optional<RawPair> next_pair(std::string_view& query) noexcept {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) return RawPair{pair, {}};
    return RawPair{pair.substr(0, equals), pair.substr(equals + 1)};
  }
  return std::nullopt;
}

Result<std::string> decode_query_part(std::string_view raw, std::string_view field) {
  std::string text;
  if (!decode_into(raw, true, text)) {
    return fail(ErrorCode::invalid, "a '%' in the query isn't followed by two hexadecimal digits", std::string(field));
  }
  if (!is_utf8(text)) return fail(ErrorCode::invalid, "the query isn't UTF-8", std::string(field));
  return text;
}

}  // namespace

std::string_view name_of(Method method) noexcept { return kMethodNames[std::to_underlying(method)]; }

Method method_from(std::string_view name) noexcept {
  const auto found = std::ranges::find(kMethodNames, name);
  return found == kMethodNames.end() ? Method::other : static_cast<Method>(found - kMethodNames.begin());
}

Result<std::optional<std::string>> query_value(std::string_view query, std::string_view name) {
  while (const auto pair = next_pair(query)) {
    const auto found = decode_query_part(pair->name, "query");
    if (!found) return std::unexpected(found.error());
    if (*found != name) continue;
    auto value = decode_query_part(pair->value, name);
    if (!value) return std::unexpected(std::move(value.error()));
    return std::move(*value);
  }
  return std::nullopt;
}

Result<void> check_query(std::string_view query, std::initializer_list<std::string_view> allowed) {
  while (const auto pair = next_pair(query)) {
    auto name = decode_query_part(pair->name, "query");
    if (!name) return std::unexpected(std::move(name.error()));
    if (std::ranges::find(allowed, *name) == allowed.end()) {
      return fail(ErrorCode::invalid, "unknown query parameter", std::move(*name));
    }
  }
  return {};
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  if (!decode_into(text, false, out)) {
    return fail(ErrorCode::invalid, "a '%' isn't followed by two hexadecimal digits");
  }
  return out;
}

bool percent_decode_into(std::string_view text, std::string& out) { return decode_into(text, false, out); }

std::string percent_encode_segment(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char byte : text) {
    if (is_unreserved(byte)) {
      out += byte;
      continue;
    }
    const auto code = static_cast<unsigned char>(byte);
    out += '%';
    out += kDigits[code >> 4];
    out += kDigits[code & 0xF];
  }
  return out;
}

std::size_t Body::size() const noexcept {
  std::size_t total = before.size() + after.size();
  for (const auto piece : shared) total += piece.size();
  return total;
}

std::string_view Body::piece(std::size_t index) const noexcept {
  if (index == 0) return before;
  if (index <= shared.size()) return shared[index - 1];
  return after;
}

std::string Body::str() const {
  std::string all;
  all.reserve(size());
  all += before;
  for (const auto piece : shared) all += piece;
  all += after;
  return all;
}

Response json_response(unsigned status, std::string json) {
  Response response;
  response.status = status;
  response.body.before = std::move(json);
  return response;
}

}  // namespace rollcall::http
