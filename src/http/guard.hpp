#pragma once
// No web page may drive a daemon on loopback: Host against DNS rebinding, Origin and content type against forged
// requests. And nobody a daemon that asks for tokens, without one.
#include <optional>
#include <string>
#include <vector>

#include "http/access.hpp"
#include "http/message.hpp"

namespace rollcall::http {

struct GuardRules {
  /// Host names (without port) that this daemon answers to beside IP addresses and "localhost". "*" turns the check
  /// off.
  std::vector<std::string> allowed_hosts;
  AccessRules access{};
  /// Origins beside the request's own host whose pages may ask; "*": every one.
  std::vector<std::string> cors_origins{};
};

/// The refusal, or nothing; or the answer to a preflight, which shows no token. An Origin must be the request's own
/// Host or one of cors_origins. A mutation with a body needs application/json; a POST without a body must come without
/// Origin (seed clients send such) or say application/json; what a page of another origin can't send without a
/// preflight (PUT, DELETE, application/json) it can't send at all: the preflights of others get no permission.
[[nodiscard]] std::optional<Response> refuse(const Request& request, const GuardRules& rules);

}  // namespace rollcall::http
