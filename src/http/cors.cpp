#include "http/cors.hpp"

#include <algorithm>

namespace rollcall::http {
namespace {

// Long enough to be seldom asked again, short enough for a change of configuration to be seen.
constexpr std::string_view kPreflightAgeS = "600";

bool is_open_to_all(std::span<const std::string> origins) noexcept {
  return std::ranges::find(origins, "*") != origins.end();
}

}  // namespace

bool may_ask(std::string_view origin, std::span<const std::string> origins) noexcept {
  return std::ranges::any_of(origins, [origin](const std::string& one) { return one == "*" || one == origin; });
}

Response preflight_answer() {
  Response response;
  response.status = 204;
  response.headers = {{"Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE"},
                      {"Access-Control-Allow-Headers", "authorization, content-type, if-none-match, last-event-id"},
                      {"Access-Control-Max-Age", std::string(kPreflightAgeS)}};
  return response;
}

void add_leave(const Request& request, std::span<const std::string> origins, Response& response) {
  const bool open = is_open_to_all(origins);
  if (!open) response.headers.push_back({"Vary", "Origin"});
  if (request.origin.empty() || !may_ask(request.origin, origins)) return;
  response.headers.push_back({"Access-Control-Allow-Origin", open ? "*" : std::string(request.origin)});
  response.headers.push_back({"Access-Control-Expose-Headers", "ETag, Location, Retry-After"});
}

}  // namespace rollcall::http
