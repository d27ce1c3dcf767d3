#include "discovery/check/target.hpp"

#include <fmt/format.h>

#include <boost/url.hpp>

namespace rollcall {
namespace {

namespace ip = boost::asio::ip;
namespace urls = boost::urls;

std::string field_of(const CheckSpec& check) { return check.kind == CheckSpec::Kind::tcp ? "check.tcp" : "check.http"; }

std::unexpected<Error> bad(const CheckSpec& check, std::string message) {
  return fail(ErrorCode::invalid, fmt::format("\"{}\" {}", check.target, message), field_of(check));
}

Result<ip::tcp::endpoint> endpoint_of(const CheckSpec& check, urls::authority_view authority, std::uint16_t if_absent) {
  if (authority.has_userinfo()) return bad(check, "holds a user or password, which checks don't send");
  boost::system::error_code error;
  const auto address = ip::make_address(std::string(authority.host_address()), error);
  if (error) return bad(check, "needs a numeric address: a name could lead somewhere else once it was allowed");
  const std::uint16_t port = authority.has_port() ? authority.port_number() : if_absent;
  if (port == 0) return bad(check, "needs a port from 1 to 65535");
  return ip::tcp::endpoint(address, port);
}

Result<CheckTarget> parse_tcp(const CheckSpec& check) {
  const auto authority = urls::parse_authority(check.target);
  if (!authority) return bad(check, "is not of the form ADDRESS:PORT");
  const auto endpoint = endpoint_of(check, *authority, 0);
  if (!endpoint) return std::unexpected(endpoint.error());
  return CheckTarget{*endpoint, ""};
}

Result<CheckTarget> parse_http(const CheckSpec& check) {
  const auto url = urls::parse_uri(check.target);
  if (!url || !url->has_authority()) return bad(check, "is not of the form http://ADDRESS[:PORT]/PATH");
  if (url->scheme_id() != urls::scheme::http) return bad(check, "is not an http:// address");
  const auto endpoint = endpoint_of(check, url->authority(), 80);
  if (!endpoint) return std::unexpected(endpoint.error());
  std::string path(url->encoded_path());
  if (path.empty()) path = "/";
  if (url->has_query()) path += "?" + std::string(url->encoded_query());
  return CheckTarget{*endpoint, std::move(path)};
}

}  // namespace

Result<CheckTarget> parse_check_target(const CheckSpec& check) {
  return check.kind == CheckSpec::Kind::tcp ? parse_tcp(check) : parse_http(check);
}

std::vector<Network> default_check_networks() {
  return {parse_network("127.0.0.0/8", "").value(), parse_network("::1", "").value()};
}

Result<void> check_allowed(const CheckSpec& check, std::span<const Network> networks) {
  const auto target = parse_check_target(check);
  if (!target) return std::unexpected(target.error());
  if (any_contains(networks, target->endpoint.address())) return {};
  return fail(
      ErrorCode::forbidden,
      fmt::format("{} is outside of the networks that checks may go to", target->endpoint.address().to_string()),
      field_of(check));
}

}  // namespace rollcall
