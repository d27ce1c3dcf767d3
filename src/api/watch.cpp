// GET /watch: events as they happen, as server-sent events (docs/api.md).
#include <charconv>

#include "api/answers.hpp"
#include "api/event_stream.hpp"
#include "api/list_filter.hpp"
#include "api/query.hpp"
#include "model/validate.hpp"

namespace rollcall::api {
namespace {

Result<Filter> filter_of(const ApiParts& parts, std::string_view query) {
  const auto listed = list_filter_among(query);
  if (!listed) return std::unexpected(listed.error());
  const auto service = http::query_value(query, "service");
  if (!service) return std::unexpected(service.error());
  Filter filter{.service = {}, .id = {}, .status = listed->status, .source = listed->source, .tag = listed->tag};
  if (!*service) return filter;
  if (auto ok = validate_name(**service, "service", parts.limits.model); !ok) return std::unexpected(ok.error());
  filter.service = ServiceName(**service);
  return filter;
}

/// "GENERATION-REVISION", as the stream's ids are.
std::optional<StreamPosition> parse_id(std::string_view text) {
  StreamPosition position;
  const auto* const end = text.data() + text.size();
  const auto generation = std::from_chars(text.data(), end, position.generation.value);
  if (generation.ec != std::errc{} || generation.ptr == end || *generation.ptr != '-') return std::nullopt;
  const auto revision = std::from_chars(generation.ptr + 1, end, position.revision.value);
  if (revision.ec != std::errc{} || revision.ptr != end) return std::nullopt;
  return position;
}

/// Where to begin: at Last-Event-ID, which a browser sends when it comes back; at ?since=; or now.
Result<StreamPosition> position_of(const ApiParts& parts, const Request& request) {
  StreamPosition wanted{parts.catalog.generation(), parts.catalog.revision()};
  const auto since = whole_number(request.query, "since", 0, kMaxRevision);
  if (!since) return std::unexpected(since.error());
  const auto generation = whole_number(request.query, "generation", 0, kMaxRevision);
  if (!generation) return std::unexpected(generation.error());
  if (*since) wanted.revision = Revision{**since};
  if (*generation) wanted.generation = Generation{**generation};
  if (!request.last_event_id.empty()) {
    const auto last = parse_id(request.last_event_id);
    if (!last) return fail(ErrorCode::invalid, "is GENERATION-REVISION, as this stream's ids are", "last-event-id");
    wanted = *last;
  }
  return wanted;
}

Result<Response> get_watch(const PartsPtr& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {"service", "tag", "source", "status", "since", "generation"}); !ok) {
    return std::unexpected(ok.error());
  }
  auto filter = filter_of(*parts, request.query);
  if (!filter) return std::unexpected(std::move(filter.error()));
  const auto position = position_of(*parts, request);
  if (!position) return std::unexpected(position.error());
  auto stream = open_event_stream({parts->catalog, parts->own, parts->clock, parts->limits.watch}, *std::move(filter),
                                  *position, StreamForm::server_sent_events);
  if (!stream) return std::unexpected(std::move(stream.error()));
  Response answer;
  answer.content_type = "text/event-stream";
  answer.headers.push_back({"X-Accel-Buffering", "no"});  // nginx would collect the events otherwise
  answer.stream = *std::move(stream);
  return answer;
}

}  // namespace

void add_watch(http::Router& router, const PartsPtr& parts) {
  router.add(http::Method::get, "/watch", http::SyncHandler([parts](const Request& request) -> Response {
               auto answer = get_watch(parts, request);
               return answer ? *std::move(answer) : http::problem(answer.error());
             }));
}

}  // namespace rollcall::api
