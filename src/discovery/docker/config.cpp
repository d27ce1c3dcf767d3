#include "discovery/docker/config.hpp"

#include <fmt/format.h>

#include <charconv>

namespace rollcall {
namespace {

constexpr std::string_view kUrlForms = "unix:///PATH, tcp://HOST:PORT, http://HOST:PORT or https://HOST:PORT";
constexpr std::uint16_t kClearPort = 2375;
constexpr std::uint16_t kTlsPort = 2376;

std::unexpected<Error> not_a_url(std::string_view field) {
  return fail(ErrorCode::invalid, fmt::format("allowed are {}", kUrlForms), std::string(field));
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

bool is_host(std::string_view text) { return !text.empty() && text.find_first_of("/?#@ []") == std::string_view::npos; }

/// Takes HOST, HOST:PORT, [V6] or [V6]:PORT.
bool split_place(std::string_view place, EngineAddress& address) {
  const bool bracketed = place.starts_with('[');
  const auto host_end = bracketed ? place.find(']') : place.find(':');
  if (bracketed && host_end == std::string_view::npos) return false;
  address.host = bracketed ? place.substr(1, host_end - 1) : place.substr(0, host_end);
  auto rest = place.substr(std::min(bracketed ? host_end + 1 : host_end, place.size()));
  if (!is_host(address.host)) return false;
  if (rest.empty()) return true;
  const auto port = rest.starts_with(':') ? parse_port(rest.substr(1)) : std::nullopt;
  if (port) address.port = *port;
  return port.has_value();
}

}  // namespace

Result<EngineAddress> parse_engine_url(std::string_view text, std::string_view field) {
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return not_a_url(field);
  const auto scheme = text.substr(0, scheme_end);
  auto place = text.substr(scheme_end + 3);
  EngineAddress address;
  if (scheme == "unix") {
    address.path = place;
    return place.starts_with('/') ? Result<EngineAddress>(address) : not_a_url(field);
  }
  if (scheme != "tcp" && scheme != "http" && scheme != "https") return not_a_url(field);
  address.kind = scheme == "https" ? EngineAddress::Kind::tls : EngineAddress::Kind::tcp;
  address.port = scheme == "https" ? kTlsPort : kClearPort;
  if (place.ends_with('/')) place.remove_suffix(1);
  if (!split_place(place, address)) return not_a_url(field);
  return address;
}

std::string to_text(const EngineAddress& address) {
  if (address.kind == EngineAddress::Kind::unix_socket) return "unix://" + address.path;
  const bool v6 = address.host.contains(':');
  return fmt::format("{}://{}{}{}:{}", address.kind == EngineAddress::Kind::tls ? "https" : "tcp", v6 ? "[" : "",
                     address.host, v6 ? "]" : "", address.port);
}

Result<LabelCondition> parse_label_condition(std::string_view text, std::string_view field) {
  const auto equals = text.find('=');
  LabelCondition condition{.key = std::string(text.substr(0, equals)), .value = std::nullopt};
  if (condition.key.empty()) {
    return fail(ErrorCode::invalid, fmt::format("\"{}\" is neither KEY nor KEY=VALUE", text), std::string(field));
  }
  if (equals != std::string_view::npos) condition.value = text.substr(equals + 1);
  return condition;
}

std::vector<LabelCondition> filter_of(const DockerConfig& config) {
  if (config.filter) return *config.filter;
  return {{.key = config.labels.enabled, .value = "true"}};
}

}  // namespace rollcall
