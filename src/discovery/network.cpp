#include "discovery/network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace rollcall {
namespace {

namespace ip = boost::asio::ip;
using Bytes = std::array<std::uint8_t, 16>;

unsigned width(const ip::address& address) noexcept { return address.is_v4() ? 32 : 128; }

Bytes bytes_of(const ip::address& address) noexcept {
  Bytes bytes{};
  if (address.is_v4()) {
    const auto four = address.to_v4().to_bytes();
    std::ranges::copy(four, bytes.begin());
  } else {
    const auto sixteen = address.to_v6().to_bytes();
    std::ranges::copy(sixteen, bytes.begin());
  }
  return bytes;
}

ip::address address_from(const Bytes& bytes, bool v4) {
  if (!v4) return ip::address_v6(bytes);
  return ip::address_v4({bytes[0], bytes[1], bytes[2], bytes[3]});
}

bool bit(const Bytes& bytes, unsigned index) noexcept { return (bytes[index / 8] >> (7 - index % 8) & 1U) != 0; }

bool has_host_bits(const ip::address& address, unsigned prefix) noexcept {
  const Bytes bytes = bytes_of(address);
  for (unsigned i = prefix; i < width(address); ++i)
    if (bit(bytes, i)) return true;
  return false;
}

void increment(Bytes& bytes, unsigned size) noexcept {
  for (unsigned i = size; i-- > 0;)
    if (++bytes[i] != 0) return;
}

std::optional<unsigned> parse_prefix(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

}  // namespace

ip::address unmapped(const ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address;
}

bool Network::contains(const ip::address& address) const noexcept {
  const auto plain = unmapped(address);
  if (plain.is_v4() != base.is_v4()) return false;
  const Bytes left = bytes_of(base), right = bytes_of(plain);
  for (unsigned i = 0; i < prefix_bits; ++i)
    if (bit(left, i) != bit(right, i)) return false;
  return true;
}

Result<std::vector<ip::address>> Network::hosts(std::size_t most, std::string_view field) const {
  const unsigned host_bits = width(base) - prefix_bits;
  const bool trim = base.is_v4() && host_bits >= 2;
  if (host_bits >= 32 || (std::size_t{1} << host_bits) - (trim ? 2 : 0) > most)
    return fail(ErrorCode::too_large,
                fmt::format("{}/{} holds more than {} addresses", base.to_string(), prefix_bits, most),
                std::string(field));
  std::size_t count = std::size_t{1} << host_bits;
  Bytes next = bytes_of(base);
  if (trim) {
    increment(next, 4);
    count -= 2;
  }
  std::vector<ip::address> found;
  for (std::size_t i = 0; i < count; ++i) {
    found.push_back(address_from(next, base.is_v4()));
    increment(next, width(base) / 8);
  }
  return found;
}

Result<Network> parse_network(std::string_view text, std::string_view field) {
  const auto slash = text.find('/');
  boost::system::error_code error;
  const auto address = ip::make_address(std::string(text.substr(0, slash)), error);
  if (error)
    return fail(ErrorCode::invalid, fmt::format("\"{}\" is neither an IP address nor a CIDR block", text),
                std::string(field));
  const auto prefix =
      slash == std::string_view::npos ? width(address) : parse_prefix(text.substr(slash + 1), width(address));
  if (!prefix)
    return fail(ErrorCode::invalid,
                fmt::format("\"{}\": the part after / is a number from 0 to {}", text, width(address)),
                std::string(field));
  if (has_host_bits(address, *prefix))
    return fail(ErrorCode::invalid, fmt::format("\"{}\" is not the start of a block of that size", text),
                std::string(field));
  return Network{address, *prefix};
}

bool any_contains(std::span<const Network> networks, const ip::address& address) noexcept {
  return std::ranges::any_of(networks, [&](const Network& network) { return network.contains(address); });
}

}  // namespace rollcall
