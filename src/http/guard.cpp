#include "http/guard.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "http/cors.hpp"
#include "http/text.hpp"

namespace rollcall::http {
namespace {

// Longer than any numeric address, so that what doesn't fit is none.
constexpr std::size_t kAddressChars = 64;

bool is_ipv6(std::string_view text) noexcept {
  std::array<char, kAddressChars> name{};
  std::array<unsigned char, sizeof(in6_addr)> address{};
  if (text.size() >= name.size()) return false;
  std::ranges::copy(text, name.begin());
  return ::inet_pton(AF_INET6, name.data(), address.data()) == 1;
}

// Four numbers of up to three digits, each up to 255. In the way of every request, so without inet_pton's copies.
bool is_ipv4(std::string_view text) noexcept {
  int numbers = 0, digits = 0, value = 0;
  for (const char byte : text) {
    if (byte == '.') {
      if (digits == 0 || ++numbers > 3) return false;
      digits = value = 0;
    } else {
      if (byte < '0' || byte > '9' || ++digits > 3) return false;
      value = value * 10 + (byte - '0');
      if (value > 255) return false;
    }
  }
  return numbers == 3 && digits != 0;
}

bool is_port(std::string_view text) noexcept {
  return text.size() <= 5 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

struct HostName {
  std::string_view name;
  bool numeric = false;
};

// `name`, `name:port`, `1.2.3.4:port` or `[::1]:port`; nothing if it is none of these.
std::optional<HostName> parse_host(std::string_view host) noexcept {
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    if (end == std::string_view::npos || !is_ipv6(host.substr(1, end - 1))) return std::nullopt;
    const auto rest = host.substr(end + 1);
    if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return std::nullopt;
    return HostName{host.substr(0, end + 1), true};
  }
  const auto colon = host.find(':');
  auto name = host.substr(0, colon);
  if (colon != std::string_view::npos && !is_port(host.substr(colon + 1))) return std::nullopt;
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty()) return std::nullopt;
  return HostName{name, is_ipv4(name)};
}

bool is_known_host(const Request& request, const GuardRules& rules) noexcept {
  // Only a client of HTTP/1.0 sends none, and no browser is one.
  if (request.host.empty()) return true;
  const auto known = [&](std::string_view name) {
    return std::ranges::any_of(rules.allowed_hosts,
                               [name](const std::string& allowed) { return allowed == "*" || iequals(allowed, name); });
  };
  const auto host = parse_host(request.host);
  if (!host) return false;
  return host->numeric || iequals(host->name, "localhost") || known(host->name);
}

bool is_own_origin(const Request& request) noexcept {
  auto origin = request.origin;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return iequals(origin.substr(scheme.size()), request.host);
  }
  return false;
}

bool is_json(std::string_view content_type) noexcept {
  return iequals(trimmed(content_type.substr(0, content_type.find(';'))), "application/json");
}

bool changes_something(Method method) noexcept {
  return method == Method::post || method == Method::put || method == Method::patch || method == Method::delete_;
}

}  // namespace

std::optional<Response> refuse(const Request& request, const GuardRules& rules) {
  if (!is_known_host(request, rules)) {
    return problem({ErrorCode::forbidden, "this host name isn't among the allowed hosts", "host"});
  }
  if (!request.origin.empty() && !is_own_origin(request)) {
    if (!may_ask(request.origin, rules.cors_origins)) {
      return problem({ErrorCode::forbidden, "requests of pages from elsewhere are refused", "origin"});
    }
    if (request.method == Method::options) return preflight_answer();
  }
  if (auto refusal = deny(request, rules.access)) return refusal;
  if (!changes_something(request.method) || is_json(request.content_type)) return std::nullopt;
  if (!request.body.empty()) {
    return problem({ErrorCode::media_type, "the body must be application/json", "content-type"});
  }
  if (request.method == Method::post && !request.origin.empty()) {
    return problem({ErrorCode::media_type, "a page's POST must be application/json", "content-type"});
  }
  return std::nullopt;
}

}  // namespace rollcall::http
