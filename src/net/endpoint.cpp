#include "net/endpoint.hpp"

#include <fmt/format.h>

#include <charconv>

namespace rollcall::net {

namespace asio = boost::asio;
using asio::ip::tcp;

Result<tcp::endpoint> parse_endpoint(std::string_view text) {
  const auto bad = [&] {
    return fail(ErrorCode::invalid,
                fmt::format("'{}' isn't an address and port like 127.0.0.1:5001 or [::1]:5001", text));
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad();
  auto host = text.substr(0, colon);
  const auto port_text = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto parsed = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (parsed.ec != std::errc{} || parsed.ptr != port_text.data() + port_text.size()) return bad();
  if (host.empty() || host == "*") return tcp::endpoint(tcp::v4(), port);
  if (host == "localhost") return tcp::endpoint(asio::ip::address_v4::loopback(), port);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  const auto address = asio::ip::make_address(std::string(host), error);
  if (error || address.is_v6() != bracketed) return bad();
  return tcp::endpoint(address, port);
}

std::string to_text(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                    : fmt::format("{}:{}", address, endpoint.port());
}

std::string to_text(const ServerEndpoint& endpoint) {
  const auto* unix_socket = std::get_if<asio::local::stream_protocol::endpoint>(&endpoint);
  return unix_socket != nullptr ? unix_socket->path() : to_text(std::get<tcp::endpoint>(endpoint));
}

}  // namespace rollcall::net
