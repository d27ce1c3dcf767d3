#include "http/server_context.hpp"

#include <exception>
#include <utility>
#include <variant>

#include "base/log.hpp"
#include "http/cors.hpp"
#include "http/gzip.hpp"

namespace rollcall::http {
namespace {

Answer call(const Handler& handler, const Request& request) {
  if (const auto* at_once = std::get_if<SyncHandler>(&handler)) return (*at_once)(request);
  if (const auto* later = std::get_if<AsyncHandler>(&handler)) return (*later)(request);
  return std::get<HybridHandler>(handler)(request);
}

std::string_view opaque_part(std::string_view etag) noexcept {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  return etag;
}

void apply_conditions(const Request& request, Response& response) {
  if (request.if_none_match.empty() || response.etag.empty() || response.status != 200) return;
  if (request.method != Method::get && request.method != Method::head) return;
  if (!none_match_has(request.if_none_match, response.etag)) return;
  response.status = 304;
  response.body = {};
  response.stream = nullptr;
}

}  // namespace

Answer answer_to(Request& request, const ServerContext& context) {
  ServerStats::bump(context.stats.requests);
  if (auto refusal = refuse(request, context.guard)) return *std::move(refusal);
  auto matched = context.router.match(request);
  if (auto* ready = std::get_if<Response>(&matched)) return std::move(*ready);
  try {
    return call(*std::get<const Handler*>(matched), request);
  } catch (const std::exception& error) {
    return failure_answer(request, error.what());
  } catch (...) {
    return failure_answer(request, "an exception of unknown type");
  }
}

Response failure_answer(const Request& request, std::string_view what) {
  log::error("http", "the handler of {} {} failed: {}", name_of(request.method), request.path, what);
  return problem({ErrorCode::internal, "a defect of this program; its log tells more", {}});
}

void complete(const Request& request, Response& response, const ServerContext& context) {
  if (context.stamp != nullptr) (*context.stamp)(response);
  if (!context.guard.cors_origins.empty()) add_leave(request, context.guard.cors_origins, response);
  const bool compressed = agree_on_gzip(request, response, context);
  apply_conditions(request, response);
  if (compressed && response.status != 304) compress(response, context.stats);
}

bool none_match_has(std::string_view list, std::string_view etag) noexcept {
  if (list == "*") return true;
  const auto wanted = opaque_part(etag);
  // Each turn takes a tag and what separates it; commas inside quotes belong to the tag.
  while (true) {
    const auto begin = list.find_first_not_of(" \t,");
    if (begin == std::string_view::npos) return false;
    list.remove_prefix(begin);
    list = opaque_part(list);
    if (!list.starts_with('"')) return false;
    const auto end = list.find('"', 1);
    if (end == std::string_view::npos) return false;
    if (list.substr(0, end + 1) == wanted) return true;
    list.remove_prefix(end + 1);
  }
}

}  // namespace rollcall::http
