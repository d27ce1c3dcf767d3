#pragma once
// Blocks of IP addresses: what may be probed, and where checks may go.
#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace rollcall {

/// A CIDR block; a single address is a block of its full length.
struct Network {
  boost::asio::ip::address base;  ///< without host bits
  unsigned prefix_bits = 0;

  [[nodiscard]] bool contains(const boost::asio::ip::address& address) const noexcept;

  /// Its usable addresses in order: without network and broadcast address where IPv4 has them. An error if there are
  /// more than `most`.
  [[nodiscard]] Result<std::vector<boost::asio::ip::address>> hosts(std::size_t most, std::string_view field) const;

  friend bool operator==(const Network&, const Network&) = default;
};

/// "10.0.0.5", "10.0.0.0/30", "::1", "fd00::/120". Host bits that are set are an error: they hide a slip.
[[nodiscard]] Result<Network> parse_network(std::string_view text, std::string_view field);

/// An IPv4 address in IPv6 clothes is the IPv4 address.
[[nodiscard]] boost::asio::ip::address unmapped(const boost::asio::ip::address& address);

[[nodiscard]] bool any_contains(std::span<const Network> networks, const boost::asio::ip::address& address) noexcept;

}  // namespace rollcall
