// What happened, and why: read from the Store, between commits.
#include <charconv>
#include <cmath>

#include "api/answers.hpp"
#include "api/query.hpp"
#include "codec/json.hpp"
#include "http/await_callback.hpp"

namespace rollcall::api {
namespace {

using boost::asio::awaitable;
using http::Method;

constexpr std::size_t kDefaultPage = 100;

/// What the Store knows, with where its history begins.
struct Found {
  Result<HistoryPage> page;
  Revision oldest;
};

std::string page_json(const ApiParts& parts, const HistoryPage& page, Revision oldest) {
  std::string json = "{\"events\":[";
  for (const auto& event : page.events) {
    if (json.back() != '[') json += ',';
    codec::append_event(json, *event);
  }
  json += ']';
  if (page.resume) {
    json += ",\"resume\":";
    append_number(json, page.resume->value);
  }
  json += ",\"generation\":";
  append_number(json, parts.catalog.generation().value);
  json += ",\"revision\":";
  append_number(json, parts.catalog.revision().value);
  json += ",\"oldest\":";
  append_number(json, oldest.value);
  json += '}';
  return json;
}

/// Runs `ask(Store&) -> Result<HistoryPage>` on the store's thread.
template <class Ask>
awaitable<Response> answer_from_store(PartsPtr parts, Ask ask) {
  auto pending = http::await_callback<Found>([parts, ask = std::move(ask)](auto done) {
    parts->registry.with_store([ask, done = std::move(done)](Store& store) mutable {
      Found found{ask(store), {}};
      found.oldest = store.health().oldest;
      done(std::move(found));
    });
  });
  const auto found = co_await std::move(pending);
  if (!found.page) co_return http::problem(found.page.error());
  co_return http::json_response(200, page_json(*parts, *found.page, found.oldest));
}

Result<std::optional<WallTime>> point_in_time(std::string_view query, std::string_view name) {
  constexpr double kLatest = 1e11;  // year 5138: later ones are milliseconds by mistake
  const auto text = http::query_value(query, name);
  if (!text) return std::unexpected(text.error());
  if (!*text) return std::nullopt;
  double value = 0;
  const auto* const end = (*text)->data() + (*text)->size();
  const auto parsed = std::from_chars((*text)->data(), end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end || !(value >= 0 && value < kLatest)) {
    return fail(ErrorCode::invalid, "is in seconds since the epoch", std::string(name));
  }
  return WallTime(std::chrono::milliseconds(std::llround(value * 1000)));
}

Result<std::size_t> page_size(const ApiParts& parts, std::string_view query) {
  const auto most = parts.limits.http.history_page;
  const auto limit = whole_number(query, "limit", 1, most);
  if (!limit) return std::unexpected(limit.error());
  return limit->value_or(std::min(kDefaultPage, most));
}

Result<bool> newest_first(std::string_view query) {
  const auto order = http::query_value(query, "order");
  if (!order) return std::unexpected(order.error());
  if (!*order || **order == "desc") return true;
  if (**order == "asc") return false;
  return fail(ErrorCode::invalid, "allowed are asc and desc", "order");
}

Result<void> read_range(std::string_view query, HistoryQuery& out) {
  const auto after = whole_number(query, "after", 0, kMaxRevision);
  if (!after) return std::unexpected(after.error());
  out.after = Revision{after->value_or(0)};
  const auto before = whole_number(query, "before", 0, kMaxRevision);
  if (!before) return std::unexpected(before.error());
  if (*before) out.before = Revision{**before};
  const auto since = point_in_time(query, "since");
  if (!since) return std::unexpected(since.error());
  out.since = *since;
  const auto until = point_in_time(query, "until");
  if (!until) return std::unexpected(until.error());
  out.until = *until;
  return {};
}

Result<HistoryQuery> history_query(const ApiParts& parts, std::string_view query) {
  if (auto ok = http::check_query(query, {"service", "after", "before", "since", "until", "limit", "order"}); !ok) {
    return std::unexpected(ok.error());
  }
  HistoryQuery wanted;
  if (auto ok = read_range(query, wanted); !ok) return std::unexpected(ok.error());
  auto service = http::query_value(query, "service");
  if (!service) return std::unexpected(service.error());
  if (*service) wanted.filter.service = ServiceName(**std::move(service));
  const auto limit = page_size(parts, query);
  if (!limit) return std::unexpected(limit.error());
  wanted.limit = *limit;
  const auto order = newest_first(query);
  if (!order) return std::unexpected(order.error());
  wanted.newest_first = *order;
  return wanted;
}

Result<Answer> get_history(const PartsPtr& parts, const Request& request) {
  auto query = history_query(*parts, request.query);
  if (!query) return std::unexpected(query.error());
  return answer_from_store(parts, [query = *std::move(query)](Store& store) { return store.history(query); });
}

/// The chain of one instance's events from `newest` on, or, after `before`, from the one that follows it.
struct Chain {
  InstanceId id;
  Revision newest;
  std::optional<Revision> before;
  std::size_t limit;
};

Result<HistoryPage> follow(Store& store, const Chain& chain) {
  const std::size_t skip = chain.before ? 1 : 0;
  auto events = store.history_of(chain.before.value_or(chain.newest), chain.limit + skip + 1);
  if (!events) return std::unexpected(events.error());
  if (skip == 1) {
    if (events->empty() || events->front()->instance->id != chain.id) {
      return fail(ErrorCode::invalid, "is no revision of this instance's events", "before");
    }
    events->erase(events->begin());
  }
  HistoryPage page;
  if (events->size() > chain.limit) {
    events->resize(chain.limit);
    page.resume = events->back()->revision;
  }
  page.events = *std::move(events);
  return page;
}

Result<Answer> get_instance_history(const PartsPtr& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {"limit", "before"}); !ok) return std::unexpected(ok.error());
  const auto id = id_param(*parts, request, 0);
  if (!id) return std::unexpected(id.error());
  const auto limit = page_size(*parts, request.query);
  if (!limit) return std::unexpected(limit.error());
  const auto before = whole_number(request.query, "before", 1, kMaxRevision);
  if (!before) return std::unexpected(before.error());
  const auto known = parts->catalog.known(id->view());
  if (!known) return std::unexpected(instance_not_found(id->view()));
  Chain chain{*id, known->instance->modified, {}, *limit};
  if (*before) chain.before = Revision{**before};
  return answer_from_store(parts, [chain = std::move(chain)](Store& store) { return follow(store, chain); });
}

}  // namespace

void add_history(http::Router& router, const PartsPtr& parts) {
  router.add(Method::get, "/history", maybe_later(parts, get_history));
  router.add(Method::get, "/instances/{id}/history", maybe_later(parts, get_instance_history));
}

}  // namespace rollcall::api
