#pragma once
// Where a registered instance's check goes. Pure.
#include <boost/asio/ip/tcp.hpp>
#include <span>
#include <string>

#include "base/error.hpp"
#include "discovery/network.hpp"
#include "model/instance.hpp"

namespace rollcall {

struct CheckTarget {
  boost::asio::ip::tcp::endpoint endpoint;
  std::string path;  ///< with query; of HTTP checks
  friend bool operator==(const CheckTarget&, const CheckTarget&) = default;
};

/// "ADDRESS:PORT" or "http://ADDRESS[:PORT]/PATH". The address is numeric: a name could lead elsewhere after it was
/// allowed.
[[nodiscard]] Result<CheckTarget> parse_check_target(const CheckSpec& check);

/// Loopback only, until configured otherwise.
[[nodiscard]] std::vector<Network> default_check_networks();

/// For the API, at registration: an error names the field "check.tcp" or "check.http".
[[nodiscard]] Result<void> check_allowed(const CheckSpec& check, std::span<const Network> networks);

}  // namespace rollcall
