#include "api/list_filter.hpp"

#include <utility>

#include "http/message.hpp"

namespace rollcall::api {

Result<PieceFilter> list_filter(std::string_view query) {
  if (auto ok = http::check_query(query, {"status", "source", "tag"}); !ok) return std::unexpected(ok.error());
  return list_filter_among(query);
}

Result<PieceFilter> list_filter_among(std::string_view query) {
  PieceFilter filter;
  auto status = http::query_value(query, "status");
  auto source = http::query_value(query, "source");
  auto tag = http::query_value(query, "tag");
  for (const auto* value : {&status, &source, &tag}) {
    if (!*value) return std::unexpected(value->error());
  }
  if (*status) {
    filter.status = status_from(**status);
    if (!filter.status) {
      return fail(ErrorCode::invalid, "allowed are passing, warning, critical, maintenance", "status");
    }
  }
  if (*source) {
    filter.source = source_from(**source);
    if (!filter.source) return fail(ErrorCode::invalid, "allowed are api, socket, swarm, probe, docker", "source");
  }
  if (*tag) {
    if ((*tag)->empty()) return fail(ErrorCode::invalid, "is empty", "tag");
    filter.tag = **std::move(tag);
  }
  return filter;
}

}  // namespace rollcall::api
