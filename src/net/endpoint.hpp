#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.hpp"

namespace rollcall::net {

/// "127.0.0.1:5001", "[::1]:0", ":5001" (every IPv4 address).
[[nodiscard]] Result<boost::asio::ip::tcp::endpoint> parse_endpoint(std::string_view text);
[[nodiscard]] std::string to_text(const boost::asio::ip::tcp::endpoint& endpoint);

/// Where a client may go: over TCP, or to a unix socket of this machine.
using ServerEndpoint = std::variant<boost::asio::ip::tcp::endpoint, boost::asio::local::stream_protocol::endpoint>;
/// As above, or the socket's path.
[[nodiscard]] std::string to_text(const ServerEndpoint& endpoint);

}  // namespace rollcall::net
