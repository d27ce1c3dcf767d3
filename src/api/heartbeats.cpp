// Heartbeats: decided in memory, except where a lease is expiring just now. Then the commit decides.
#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "api/native.hpp"
#include "http/await_callback.hpp"

namespace rollcall::api {
namespace {

using boost::asio::awaitable;
using http::Method;

Response unknown_answer(std::string_view id) {
  auto error = instance_not_found(id);
  error.message += " with a lease: register anew";
  return http::problem(error);
}

Response stale_answer() {
  return http::problem({ErrorCode::conflict, "another incarnation lives under this id", "session"});
}

/// The others may have gone on without this node, or without this instance: they will be told, but perhaps too late.
constexpr unsigned kOnlyHere = 202;

Response taken_here() { return http::json_response(kOnlyHere, R"({"shared":false})"); }

Response taken_answer(const ApiParts& parts) { return parts.registry.in_touch() ? no_content() : taken_here(); }

awaitable<Response> wait_for_verdict(PartsPtr parts, Beat beat) {
  const auto id = beat.id;
  auto pending = submit(parts, std::move(beat));
  const auto outcome = co_await std::move(pending);
  if (outcome) co_return taken_answer(*parts);
  if (outcome.error().code == ErrorCode::not_found) co_return unknown_answer(id.view());
  co_return http::problem(outcome.error());
}

Result<Answer> put_heartbeat(const PartsPtr& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {}); !ok) return std::unexpected(ok.error());
  Session session;
  if (!request.body.empty()) {
    auto body = codec::decode_heartbeat(request.body, parts->limits.model);
    if (!body) return std::unexpected(body.error());
    session = std::move(body->session);
  }
  return hear(parts, request.params.at(0), std::move(session));
}

bool is_taken(BeatResult met) { return met == BeatResult::ok || met == BeatResult::late; }

/// What became of many heartbeats, in the order of their ids.
struct Round {
  std::vector<std::string> ids;
  std::vector<BeatResult> results;
};

std::string round_json(const Round& round) {
  std::size_t ok = 0;
  std::string lists[3];
  for (std::size_t i = 0; i < round.ids.size(); ++i) {
    if (is_taken(round.results[i])) {
      ++ok;
      continue;
    }
    const int list = round.results[i] == BeatResult::unknown ? 0 : round.results[i] == BeatResult::stale ? 1 : 2;
    if (!lists[list].empty()) lists[list] += ',';
    codec::append_string(lists[list], round.ids[i]);
  }
  std::string json = "{\"ok\":";
  append_number(json, ok);
  json += ",\"unknown\":[" + lists[0] + "],\"stale\":[" + lists[1] + ']';
  if (!lists[2].empty()) json += ",\"undecided\":[" + lists[2] + ']';
  json += '}';
  return json;
}

Response round_answer(const ApiParts& parts, const Round& round) {
  const bool is_late = std::ranges::find(round.results, BeatResult::late) != round.results.end();
  return http::json_response(is_late || !parts.registry.in_touch() ? kOnlyHere : 200, round_json(round));
}

BeatResult verdict_of(const Result<Outcome>& outcome) {
  if (outcome) return BeatResult::ok;
  if (outcome.error().code == ErrorCode::not_found) return BeatResult::unknown;
  return outcome.error().code == ErrorCode::conflict ? BeatResult::stale : BeatResult::undecided;
}

/// Collects the verdicts on one round's undecided beats. Each is told once, by any thread; the last one wakes.
struct Jury {
  std::vector<BeatResult> verdicts;
  std::atomic<std::size_t> open;
  std::move_only_function<void(bool)> wake;

  explicit Jury(std::size_t size) : verdicts(size), open(size) {}

  void tell(std::size_t index, const Result<Outcome>& outcome) {
    verdicts[index] = verdict_of(outcome);
    if (open.fetch_sub(1, std::memory_order_acq_rel) == 1) wake(true);
  }
};

awaitable<Response> wait_for_verdicts(PartsPtr parts, Round round, std::vector<std::size_t> undecided) {
  const auto jury = std::make_shared<Jury>(undecided.size());
  auto pending = http::await_callback<bool>([&](std::move_only_function<void(bool)> done) {
    jury->wake = std::move(done);
    for (std::size_t i = 0; i < undecided.size(); ++i) {
      parts->registry.submit(Beat{InstanceId(round.ids[undecided[i]]), {}},
                             [jury, i](const Result<Outcome>& outcome) { jury->tell(i, outcome); });
    }
  });
  co_await std::move(pending);
  for (std::size_t i = 0; i < undecided.size(); ++i) round.results[undecided[i]] = jury->verdicts[i];
  co_return round_answer(*parts, round);
}

Result<Answer> post_heartbeats(const PartsPtr& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {}); !ok) return std::unexpected(ok.error());
  const auto& limits = parts->limits;
  auto ids = codec::decode_heartbeats(request.body, limits.model, limits.http.heartbeats_per_call);
  if (!ids) return std::unexpected(ids.error());
  Round round{*std::move(ids), {}};
  round.results.resize(round.ids.size());
  const std::vector<std::string_view> views(round.ids.begin(), round.ids.end());
  parts->registry.heartbeat_many(views, round.results);
  std::vector<std::size_t> undecided;
  for (std::size_t i = 0; i < round.results.size(); ++i) {
    if (round.results[i] == BeatResult::undecided) undecided.push_back(i);
  }
  if (undecided.empty()) return round_answer(*parts, round);
  return wait_for_verdicts(parts, std::move(round), std::move(undecided));
}

}  // namespace

Answer hear(const PartsPtr& parts, std::string_view id, Session session) {
  switch (parts->registry.heartbeat(id, session.view())) {
    case BeatResult::ok:
      return taken_answer(*parts);
    case BeatResult::late:
      return taken_here();
    case BeatResult::unknown:
      return unknown_answer(id);
    case BeatResult::stale:
      return stale_answer();
    case BeatResult::undecided:
      break;
  }
  return wait_for_verdict(parts, Beat{InstanceId(id), std::move(session)});
}

void add_heartbeats(http::Router& router, const PartsPtr& parts) {
  router.add(Method::put, "/instances/{id}/heartbeat", maybe_later(parts, put_heartbeat));
  router.add(Method::post, "/heartbeats", maybe_later(parts, post_heartbeats));
}

}  // namespace rollcall::api
