#include "api/cache.hpp"

#include "http/await_callback.hpp"

namespace rollcall::api {
namespace {

using http::Method;

std::optional<DiscoveryState> discovery_of(const ApiParts& parts) {
  return parts.discovery ? parts.discovery() : std::nullopt;
}

std::string stats_and_timestamp(const ApiParts& parts) {
  std::string json = "\"cache_stats\":" + cache_stats(parts) + ',';
  append_timestamp(json, parts.clock);
  return json;
}

Result<Response> get_stats(const ApiParts& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {}); !ok) return std::unexpected(ok.error());
  return http::json_response(200, '{' + stats_and_timestamp(parts) + '}');
}

Response refreshed(const ApiParts& parts) {
  return http::json_response(200, R"({"message":"cache refreshed",)" + stats_and_timestamp(parts) + '}');
}

/// There is no cache that could be empty for a while: what is gone goes, what is new comes, and all else stays.
Response cleared(const ApiParts& parts) {
  std::string json = R"({"message":"cache cleared",)";
  append_timestamp(json, parts.clock);
  return http::json_response(200, std::move(json) + '}');
}

using Say = Response (*)(const ApiParts&);

boost::asio::awaitable<Response> list_then_say(PartsPtr parts, Say say) {
  auto pending = http::await_callback<Result<void>>([parts](auto done) { parts->refresh_discovery(std::move(done)); });
  const auto listed = co_await std::move(pending);
  co_return listed ? say(*parts) : http::problem(listed.error());
}

http::Handler listing_again(const PartsPtr& parts, Say say) {
  return maybe_later(parts, [say](const PartsPtr& all, const Request& request) -> Result<Answer> {
    if (auto ok = http::check_query(request.query, {}); !ok) return std::unexpected(ok.error());
    if (!all->refresh_discovery) return say(*all);
    return list_then_say(all, say);
  });
}

}  // namespace

void append_timestamp(std::string& out, const Clock& clock) {
  out += "\"timestamp\":";
  append_number(out, static_cast<std::uint64_t>(whole_seconds(clock)));
}

void append_last_refresh(std::string& out, const ApiParts& parts) {
  const auto state = discovery_of(parts);
  out += "\"last_refresh\":";
  append_seconds(out, epoch_seconds(state ? state->last_refresh.value_or(WallTime()) : parts.clock.wall_now()));
}

std::string cache_stats(const ApiParts& parts) {
  const auto view = parts.reader.directory();
  const auto state = discovery_of(parts);
  std::string json = "{\"services_count\":";
  append_number(json, view->services);
  json += ",\"metrics_count\":";
  append_number(json, parts.samples.size());
  json += ",\"instances_count\":";
  append_number(json, view->instances);
  json += ',';
  append_last_refresh(json, parts);
  json += ",\"cache_version\":";
  append_number(json, view->revision.value);
  json += ",\"refresh_interval_sec\":";
  const auto interval = state ? state->refresh_interval : std::chrono::milliseconds{0};
  if (interval.count() % 1000 == 0) {
    append_number(json, static_cast<std::uint64_t>(interval.count() / 1000));
  } else {
    append_seconds(json, std::chrono::duration<double>(interval).count());
  }
  return json + '}';
}

void add_cache(http::Router& router, const PartsPtr& parts) {
  router.add(Method::get, "/cache/stats", at_once(parts, get_stats));
  router.add(Method::post, "/cache/refresh", listing_again(parts, refreshed));
  router.add(Method::post, "/cache/clear", listing_again(parts, cleared));
}

}  // namespace rollcall::api
