#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace rollcall {

struct WebhookUrl {
  bool secure = false;
  std::string host;  ///< a name or an address, without brackets
  std::uint16_t port = 80;
  std::string target = "/";  ///< path and query, which may be a secret
};

/// http:// or https://, without user and password. Errors don't show the text.
[[nodiscard]] Result<WebhookUrl> parse_webhook_url(std::string_view text);

}  // namespace rollcall
