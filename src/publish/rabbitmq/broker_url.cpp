#include "publish/rabbitmq/broker_url.hpp"

#include <boost/url/parse.hpp>

namespace rollcall {
namespace {

namespace urls = boost::urls;

constexpr std::uint16_t kPort = 5672;
constexpr std::uint16_t kTlsPort = 5671;

std::unexpected<Error> bad(std::string why) { return fail(ErrorCode::invalid, std::move(why)); }

Result<std::string> vhost_of(const urls::url_view& url) {
  std::string_view path = url.encoded_path();
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.empty()) return "/";
  if (path.contains('/')) return bad("has a vhost with a slash, which is written %2F");
  return url.path().substr(1);
}

}  // namespace

Result<BrokerUrl> parse_broker_url(std::string_view text) {
  const auto parsed = urls::parse_uri(text);
  if (!parsed || !parsed->has_authority()) return bad("is no URL");
  const auto& url = *parsed;
  const std::string_view scheme = url.scheme();
  if (scheme != "amqp" && scheme != "amqps") return bad("is neither amqp:// nor amqps://");
  if (url.has_query() || url.has_fragment()) return bad("has a query, which isn't read");
  if (url.encoded_host().empty()) return bad("names no host");
  BrokerUrl broker;
  broker.tls = scheme == "amqps";
  broker.host = url.host_type() == urls::host_type::ipv6 ? url.host_address() : url.host();
  broker.port = broker.tls ? kTlsPort : kPort;
  if (url.has_port() && !url.port().empty()) broker.port = url.port_number();
  if (broker.port == 0) return bad("needs a port from 1 to 65535");
  if (url.has_userinfo()) {
    broker.user = url.user();
    broker.password = url.password();
  }
  auto vhost = vhost_of(url);
  if (!vhost) return std::unexpected(std::move(vhost.error()));
  broker.vhost = std::move(*vhost);
  return broker;
}

}  // namespace rollcall
