#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace rollcall::net {

/// "127.0.0.1:5001", "[::1]:0", ":5001" (every IPv4 address).
[[nodiscard]] Result<boost::asio::ip::tcp::endpoint> parse_endpoint(std::string_view text);
[[nodiscard]] std::string to_text(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace rollcall::net
