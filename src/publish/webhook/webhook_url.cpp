#include "publish/webhook/webhook_url.hpp"

#include <boost/url/parse.hpp>

namespace rollcall {
namespace {

namespace urls = boost::urls;

std::unexpected<Error> bad(std::string why) { return fail(ErrorCode::invalid, std::move(why)); }

}  // namespace

Result<WebhookUrl> parse_webhook_url(std::string_view text) {
  const auto parsed = urls::parse_uri(text);
  if (!parsed || !parsed->has_authority()) return bad("is no URL");
  const auto& url = *parsed;
  if (url.scheme_id() != urls::scheme::http && url.scheme_id() != urls::scheme::https) {
    return bad("is neither http:// nor https://");
  }
  if (url.has_userinfo()) return bad("holds a user or password, which isn't sent");
  if (url.encoded_host().empty()) return bad("names no host");
  WebhookUrl webhook;
  webhook.secure = url.scheme_id() == urls::scheme::https;
  webhook.host = url.host_type() == urls::host_type::ipv6 ? url.host_address() : url.host();
  webhook.port = webhook.secure ? 443 : 80;
  if (url.has_port() && !url.port().empty()) webhook.port = url.port_number();
  if (webhook.port == 0) return bad("needs a port from 1 to 65535");
  webhook.target = std::string(url.encoded_path());
  if (webhook.target.empty()) webhook.target = "/";
  if (url.has_query()) webhook.target += "?" + std::string(url.encoded_query());
  return webhook;
}

}  // namespace rollcall
