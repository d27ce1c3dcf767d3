#pragma once
// amqp://USER:PASSWORD@HOST:PORT/VHOST
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace rollcall {

struct BrokerUrl {
  bool tls = false;
  std::string host;
  std::uint16_t port = 5672;
  std::string user = "guest";
  std::string password = "guest";
  std::string vhost = "/";
};

/// Without a path, or with "/" alone, the vhost is "/", as clients everywhere have it. Errors don't show the text,
/// which may hold a password.
[[nodiscard]] Result<BrokerUrl> parse_broker_url(std::string_view text);

}  // namespace rollcall
