#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>

namespace rollcall::net {

/// The first address of a name, IPv4 before IPv6; nothing if it has none now. Runs on a thread that may outlive the
/// caller: the system's resolver can't be interrupted, and nobody's shutdown shall wait for it.
boost::asio::awaitable<std::optional<boost::asio::ip::address>> resolve(std::string name);

}  // namespace rollcall::net
