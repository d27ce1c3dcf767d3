#pragma once
// What the dialects share: turning outcomes into answers.
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "api/routes.hpp"

namespace rollcall::api {

using http::Answer;
using http::Request;
using http::Response;
using PartsPtr = std::shared_ptr<const ApiParts>;

[[nodiscard]] Response no_content();

/// `W/"generation-revision"`: samples and timestamps are no part of it.
[[nodiscard]] std::string etag_of(Generation generation, Revision revision);

/// Whole seconds since the epoch.
[[nodiscard]] std::int64_t whole_seconds(const Clock& clock);

void append_number(std::string& out, std::uint64_t value);
/// With three decimals.
void append_seconds(std::string& out, double seconds);

[[nodiscard]] std::string instance_json(const Instance& instance);

/// A problem that has, besides, an `error` with the words that clients of seed 004 look for.
[[nodiscard]] Response problem_as_seed(const Error& error, std::string_view words);
[[nodiscard]] Response service_not_found(std::string_view name);
[[nodiscard]] Error instance_not_found(std::string_view id);

/// The route's {name} and {id} as what they name.
[[nodiscard]] Result<ServiceName> service_param(const ApiParts& parts, const Request& request);
[[nodiscard]] Result<InstanceId> id_param(const ApiParts& parts, const Request& request, std::size_t index);

/// Submits and waits; resumes on the caller's executor.
[[nodiscard]] boost::asio::awaitable<Result<Outcome>> submit(PartsPtr parts, Command command);

/// A route that answers at once by `handle(const ApiParts&, const Request&) -> Result<Response>`.
template <class Handle>
[[nodiscard]] http::Handler at_once(PartsPtr parts, Handle handle) {
  return http::SyncHandler([parts = std::move(parts), handle](const Request& request) -> Response {
    auto answer = handle(*parts, request);
    return answer ? *std::move(answer) : http::problem(answer.error());
  });
}

/// A route that may answer later, by `handle(const PartsPtr&, const Request&) -> Result<Answer>`.
template <class Handle>
[[nodiscard]] http::Handler maybe_later(PartsPtr parts, Handle handle) {
  return http::HybridHandler([parts = std::move(parts), handle](const Request& request) -> Answer {
    auto answer = handle(parts, request);
    if (!answer) return http::problem(answer.error());
    return *std::move(answer);
  });
}

// One for each file of routes.
void add_native_writes(http::Router& router, const PartsPtr& parts);
void add_heartbeats(http::Router& router, const PartsPtr& parts);
void add_native_reads(http::Router& router, const PartsPtr& parts);
void add_history(http::Router& router, const PartsPtr& parts);
void add_servers_json(http::Router& router, const PartsPtr& parts);
void add_seed002(http::Router& router, const PartsPtr& parts);
void add_seed004(http::Router& router, const PartsPtr& parts);
void add_cache(http::Router& router, const PartsPtr& parts);
void add_usage(http::Router& router, const PartsPtr& parts);
void add_agents(http::Router& router, const PartsPtr& parts);
void add_self(http::Router& router, const PartsPtr& parts);
void add_events(http::Router& router, const PartsPtr& parts);
void add_cluster(http::Router& router, const PartsPtr& parts);
void add_watch(http::Router& router, const PartsPtr& parts);
void add_page(http::Router& router, const PartsPtr& parts);

/// Seed 004's service information, for those who ask for "/" and aren't browsers.
[[nodiscard]] Response service_information(const ApiParts& parts);

}  // namespace rollcall::api
