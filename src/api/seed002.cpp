// The operations of the registry on PostgreSQL that Rollcall replaces: enter, one's own details, those of others,
// leave. Its routes were never published; the names are Rollcall's choice, after those of its siblings. Each operation
// is the native one, with its rules and answers.
#include "api/fresh_read.hpp"
#include "api/list_filter.hpp"
#include "api/native.hpp"

namespace rollcall::api {
namespace {

using http::Method;

Result<Answer> post_register(const PartsPtr& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {}); !ok) return std::unexpected(ok.error());
  auto body = codec::decode_named_registration(request.body, parts->limits.model);
  if (!body) return std::unexpected(body.error());
  return register_instance(parts, request, *std::move(body), Created::where_new);
}

/// What a body that names an instance, and perhaps its session, asks for.
Result<codec::InstanceCall> instance_call(const ApiParts& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {}); !ok) return std::unexpected(ok.error());
  return codec::decode_instance_call(request.body, parts.limits.model);
}

Result<Answer> post_heartbeat(const PartsPtr& parts, const Request& request) {
  auto call = instance_call(*parts, request);
  if (!call) return std::unexpected(call.error());
  return hear(parts, call->id.view(), std::move(call->session));
}

Result<Answer> post_deregister(const PartsPtr& parts, const Request& request) {
  auto call = instance_call(*parts, request);
  if (!call) return std::unexpected(call.error());
  return remove_instance(parts, request, std::move(call->id), std::move(call->session));
}

/// Its clients know no status: whoever is in the list can be called.
Result<Response> discover(const ApiParts& parts, const Request& request) {
  const auto name = service_param(parts, request);
  if (!name) return std::unexpected(name.error());
  if (auto ok = http::check_query(request.query, {"tag"}); !ok) return std::unexpected(ok.error());
  auto filter = list_filter_among(request.query);
  if (!filter) return std::unexpected(filter.error());
  filter->status = Status::passing;
  return show_instances(parts, *name, *filter);
}

}  // namespace

void add_seed002(http::Router& router, const PartsPtr& parts) {
  router.add(Method::post, "/register", maybe_later(parts, post_register));
  router.add(Method::post, "/heartbeat", maybe_later(parts, post_heartbeat));
  router.add(Method::get, "/details/{id}", fresh_read(parts, show_instance));
  router.add(Method::get, "/discover/{name}", fresh_read(parts, discover));
  router.add(Method::post, "/deregister", maybe_later(parts, post_deregister));
}

}  // namespace rollcall::api
