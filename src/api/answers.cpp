#include "api/answers.hpp"

#include <fmt/format.h>

#include <charconv>

#include "codec/json.hpp"
#include "http/await_callback.hpp"
#include "model/validate.hpp"

namespace rollcall::api {
Response no_content() {
  Response answer;
  answer.status = 204;
  return answer;
}

std::string etag_of(Generation generation, Revision revision) {
  std::string tag = "W/\"";
  append_number(tag, generation.value);
  tag += '-';
  append_number(tag, revision.value);
  tag += '"';
  return tag;
}

std::int64_t whole_seconds(const Clock& clock) {
  return std::chrono::floor<std::chrono::seconds>(clock.wall_now()).time_since_epoch().count();
}

void append_number(std::string& out, std::uint64_t value) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void append_seconds(std::string& out, double seconds) { fmt::format_to(std::back_inserter(out), "{:.3f}", seconds); }

std::string instance_json(const Instance& instance) {
  std::string json;
  codec::append_instance(json, instance);
  return json;
}

Response problem_as_seed(const Error& error, std::string_view words) {
  auto answer = http::problem(error);
  auto json = answer.body.str();
  json.pop_back();
  json += ",\"error\":";
  codec::append_string(json, words);
  json += '}';
  answer.body = {};
  answer.body.before = std::move(json);
  return answer;
}

Response service_not_found(std::string_view name) {
  return problem_as_seed({ErrorCode::not_found, fmt::format("no service \"{}\" has instances", name), "name"},
                         "service not found");
}

Error instance_not_found(std::string_view id) {
  return {ErrorCode::not_found, fmt::format("no instance \"{}\"", id), "id"};
}

Result<ServiceName> service_param(const ApiParts& parts, const Request& request) {
  const std::string_view name = request.params.at(0);
  if (auto ok = validate_name(name, "name", parts.limits.model); !ok) return std::unexpected(ok.error());
  return ServiceName(name);
}

Result<InstanceId> id_param(const ApiParts& parts, const Request& request, std::size_t index) {
  const std::string_view id = request.params.at(index);
  if (auto ok = validate_name(id, "id", parts.limits.model); !ok) return std::unexpected(ok.error());
  return InstanceId(id);
}

boost::asio::awaitable<Result<Outcome>> submit(PartsPtr parts, Command command) {
  auto pending = http::await_callback<Result<Outcome>>([parts, command = std::move(command)](auto done) mutable {
    parts->registry.submit(std::move(command), std::move(done));
  });
  co_return co_await std::move(pending);
}

http::Router make_router(ApiParts parts) {
  const auto shared = std::make_shared<const ApiParts>(std::move(parts));
  http::Router router;
  add_native_writes(router, shared);
  add_heartbeats(router, shared);
  add_native_reads(router, shared);
  add_history(router, shared);
  add_servers_json(router, shared);
  add_seed002(router, shared);
  add_seed004(router, shared);
  add_cache(router, shared);
  add_usage(router, shared);
  add_agents(router, shared);
  add_self(router, shared);
  add_cluster(router, shared);
  add_events(router, shared);
  add_watch(router, shared);
  add_page(router, shared);
  return router;
}

}  // namespace rollcall::api
