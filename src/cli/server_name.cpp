#include "cli/server_name.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>

#include "net/endpoint.hpp"

namespace rollcall::cli {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kHttp = "http://";
constexpr std::string_view kHttps = "https://";

bool has_port(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto bracket = text.rfind(']');
  return colon != text.npos && (bracket == text.npos || colon > bracket);
}

}  // namespace

Result<Server> find_server(std::string_view text) {
  const bool secure = text.starts_with(kHttps);
  const bool is_url = secure || text.starts_with(kHttp);
  auto rest = text.substr(secure ? kHttps.size() : is_url ? kHttp.size() : 0);
  if (is_url && rest.ends_with('/')) rest.remove_suffix(1);
  std::string place(rest);
  if (is_url && !has_port(rest)) place += secure ? ":443" : ":80";
  const auto endpoint = place.starts_with(':') ? fail(ErrorCode::invalid, "", "--server") : resolve(place);
  if (!endpoint && !endpoint.error().field.empty()) {
    return fail(ErrorCode::invalid,
                fmt::format("is \"{}\"; allowed are ADDRESS:PORT, as 127.0.0.1:5001, and https://NAME:PORT", text),
                "--server");
  }
  if (!endpoint) return std::unexpected(endpoint.error());
  auto host = place.substr(0, place.rfind(':'));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return Server{*endpoint, std::move(host), secure};
}

Result<asio::ip::tcp::endpoint> resolve(std::string_view text) {
  if (const auto endpoint = net::parse_endpoint(text); endpoint && endpoint->port() != 0) return *endpoint;
  const auto colon = text.rfind(':');
  const auto wrong = [&] {
    return fail(ErrorCode::invalid, fmt::format("is \"{}\"; allowed is ADDRESS:PORT, as 127.0.0.1:5001", text),
                "--server");
  };
  if (colon == std::string_view::npos || colon == 0) return wrong();
  const std::string host(text.substr(0, colon));
  const std::string port(text.substr(colon + 1));
  if (port.empty() || port.find_first_not_of("0123456789") != std::string::npos || host.contains(':')) return wrong();
  if (port.size() > 5 || std::stoul(port) == 0 || std::stoul(port) > 65'535) return wrong();
  asio::io_context context;
  asio::ip::tcp::resolver resolver(context);
  boost::system::error_code error;
  const auto found = resolver.resolve(host, port, asio::ip::tcp::resolver::numeric_service, error);
  if (error || found.empty()) {
    return fail(ErrorCode::unavailable, fmt::format("the name {} can't be resolved: {}", host, error.message()));
  }
  // Daemons listen on IPv4 unless told otherwise, and "localhost" often is ::1 first.
  for (const auto& entry : found) {
    if (entry.endpoint().address().is_v4()) return entry.endpoint();
  }
  return found.begin()->endpoint();
}

}  // namespace rollcall::cli
