#include "discovery/probe/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "discovery/network.hpp"

namespace rollcall {
namespace {

constexpr std::size_t kMaxHostNameBytes = 253;

PortList ports_between(std::uint16_t first, std::uint16_t last) {
  PortList ports;
  for (unsigned port = first; port <= last; ++port) ports.push_back(static_cast<std::uint16_t>(port));
  return ports;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

Result<std::uint16_t> parse_port(std::string_view text, std::string_view field) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1 || value > 65'535)
    return fail(ErrorCode::invalid, fmt::format("\"{}\" is not a port (1 to 65535)", text), std::string(field));
  return static_cast<std::uint16_t>(value);
}

Result<PortList> parse_port_range(std::string_view part, std::string_view field) {
  const auto dash = part.find('-');
  const auto first = parse_port(trimmed(part.substr(0, dash)), field);
  if (!first) return std::unexpected(first.error());
  if (dash == std::string_view::npos) return PortList{*first};
  const auto last = parse_port(trimmed(part.substr(dash + 1)), field);
  if (!last) return std::unexpected(last.error());
  if (*last < *first)
    return fail(ErrorCode::invalid, fmt::format("\"{}\" ends before it begins", part), std::string(field));
  return ports_between(*first, *last);
}

bool looks_like_address(std::string_view text) {
  return text.find(':') != std::string_view::npos || text.find('/') != std::string_view::npos ||
         text.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool is_host_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  };
  return !text.empty() && text.size() <= kMaxHostNameBytes && std::ranges::all_of(text, allowed);
}

Result<void> validate_numbers(const ProbeConfig& config) {
  const auto positive = [](auto value, std::string_view field) -> Result<void> {
    if (value > decltype(value){}) return {};
    return fail(ErrorCode::invalid, "must be more than 0", std::string(field));
  };
  for (const auto& [value, field] : {std::pair{config.sweep_interval, "sweep_interval"},
                                     {config.check_interval, "check_interval"},
                                     {config.connect_timeout, "connect_timeout"},
                                     {config.answer_timeout, "answer_timeout"},
                                     {config.details_interval, "details_interval"},
                                     {config.echo_interval, "echo_interval"},
                                     {std::chrono::milliseconds(config.echo_timeout), "echo_timeout"},
                                     {config.remove_after, "remove_after"}})
    if (auto checked = positive(value, field); !checked) return checked;
  for (const auto& [value, field] : {std::pair{std::size_t{config.failures_before_offline}, "failures_before_offline"},
                                     {config.connections_per_second, "connections_per_second"},
                                     {config.max_in_flight, "max_in_flight"},
                                     {config.max_block_hosts, "max_block_hosts"},
                                     {config.max_hosts, "max_hosts"},
                                     {config.max_servers_per_host, "max_servers_per_host"}})
    if (auto checked = positive(value, field); !checked) return checked;
  return {};
}

Result<void> append_targets(const ProbeConfig& config, std::size_t range, std::size_t host,
                            std::vector<ProbeTarget>& out) {
  const std::string& text = config.ranges[range].hosts[host];
  const std::string field = fmt::format("ranges[{}].hosts[{}]", range, host);
  if (auto valid = validate_host(text, field, config); !valid) return valid;
  if (!looks_like_address(text)) {
    out.push_back({text, range, true});
    return {};
  }
  const auto network = parse_network(text, field);
  const auto addresses = network->hosts(config.max_block_hosts, field);
  for (const auto& address : *addresses) out.push_back({address.to_string(), range, false});
  return {};
}

}  // namespace

ProbeRange::ProbeRange() : web_ports(ports_between(8042, 8100)), dicom_ports(ports_between(4242, 4300)) {}

Result<PortList> parse_ports(std::string_view text, std::string_view field) {
  PortList ports;
  for (std::size_t start = 0; start <= text.size();) {
    const auto comma = std::min(text.find(',', start), text.size());
    const auto part = parse_port_range(trimmed(text.substr(start, comma - start)), field);
    if (!part) return part;
    ports.insert(ports.end(), part->begin(), part->end());
    start = comma + 1;
  }
  std::ranges::sort(ports);
  ports.erase(std::ranges::unique(ports).begin(), ports.end());
  return ports;
}

Result<void> validate_host(std::string_view text, std::string_view field, const ProbeConfig& config) {
  if (!looks_like_address(text)) {
    if (is_host_name(text)) return {};
    return fail(ErrorCode::invalid, fmt::format("\"{}\" is not an address, a CIDR block or a host name", text),
                std::string(field));
  }
  const auto network = parse_network(text, field);
  if (!network) return std::unexpected(network.error());
  const auto hosts = network->hosts(config.max_block_hosts, field);
  if (!hosts) return std::unexpected(hosts.error());
  return {};
}

Result<std::vector<ProbeTarget>> targets_of(const ProbeConfig& config) {
  std::vector<ProbeTarget> targets;
  std::set<std::string> taken;
  for (std::size_t range = 0; range < config.ranges.size(); ++range) {
    const std::size_t start = targets.size();
    for (std::size_t host = 0; host < config.ranges[range].hosts.size(); ++host)
      if (auto added = append_targets(config, range, host, targets); !added) return std::unexpected(added.error());
    for (std::size_t i = start; i < targets.size(); ++i)
      if (!taken.insert(targets[i].host).second)
        return fail(ErrorCode::invalid, fmt::format("{} is there twice", targets[i].host),
                    fmt::format("ranges[{}].hosts", range));
    if (targets.size() > config.max_hosts)
      return fail(ErrorCode::too_large, fmt::format("more than {} hosts in all", config.max_hosts), "ranges");
  }
  return targets;
}

Result<void> validate(const ProbeConfig& config) {
  if (auto numbers = validate_numbers(config); !numbers) return numbers;
  for (std::size_t i = 0; i < config.ranges.size(); ++i) {
    const auto& range = config.ranges[i];
    if (range.web_ports.empty() && range.dicom_ports.empty())
      return fail(ErrorCode::invalid, "has no ports", fmt::format("ranges[{}].web_ports", i));
    if (range.credentials && range.credentials->user.find(':') != std::string::npos)
      return fail(ErrorCode::invalid, "a user name has no colon", fmt::format("ranges[{}].user", i));
  }
  if (const auto targets = targets_of(config); !targets) return std::unexpected(targets.error());
  return {};
}

}  // namespace rollcall
