// Registering, removing, maintenance.
#include <fmt/format.h>

#include "api/native.hpp"
#include "model/validate.hpp"

namespace rollcall::api {
namespace {

using boost::asio::awaitable;
using http::Method;

Result<void> judge_check(const ApiParts& parts, const InstanceSpec& spec) {
  if (!spec.check) return {};
  if (!parts.check_allowed) return fail(ErrorCode::forbidden, "checks are not configured", "check");
  return parts.check_allowed(*spec.check);
}

Response with_revision(Response answer, Revision revision) {
  answer.headers.push_back({"X-Rollcall-Revision", std::to_string(revision.value)});
  return answer;
}

awaitable<Response> finish_registration(PartsPtr parts, Register command, Created created) {
  auto pending = submit(parts, std::move(command));
  const auto outcome = co_await std::move(pending);
  if (!outcome) co_return http::problem(outcome.error());
  const bool is_new = created == Created::always || outcome->created;
  auto answer = http::json_response(is_new ? 201 : 200, instance_json(*outcome->instance));
  if (is_new) answer.location = "/instances/" + http::percent_encode_segment(outcome->instance->id.view());
  co_return with_revision(std::move(answer), outcome->revision);
}

Result<Answer> post_instance(const PartsPtr& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {}); !ok) return std::unexpected(ok.error());
  auto service = service_param(*parts, request);
  if (!service) return std::unexpected(service.error());
  auto body = codec::decode_registration(request.body, *std::move(service), parts->limits.model);
  if (!body) return std::unexpected(body.error());
  return register_instance(parts, request, *std::move(body), Created::always);
}

Result<Answer> put_instance(const PartsPtr& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {}); !ok) return std::unexpected(ok.error());
  auto service = service_param(*parts, request);
  if (!service) return std::unexpected(service.error());
  auto id = id_param(*parts, request, 1);
  if (!id) return std::unexpected(id.error());
  auto body = codec::decode_registration(request.body, *std::move(service), parts->limits.model);
  if (!body) return std::unexpected(body.error());
  if (body->id && *body->id != *id) {
    return fail(ErrorCode::invalid, "differs from the id in the path", "id");
  }
  body->id = *std::move(id);
  return register_instance(parts, request, *std::move(body), Created::where_new);
}

awaitable<Response> finish_removal(PartsPtr parts, Deregister command) {
  auto pending = submit(parts, std::move(command));
  const auto outcome = co_await std::move(pending);
  if (!outcome) co_return http::problem(outcome.error());
  co_return with_revision(no_content(), outcome->revision);
}

Result<Answer> delete_instance(const PartsPtr& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {"session"}); !ok) return std::unexpected(ok.error());
  auto id = id_param(*parts, request, 0);
  if (!id) return std::unexpected(id.error());
  auto session = http::query_value(request.query, "session");
  if (!session) return std::unexpected(session.error());
  if (*session) {
    if (auto ok = validate_name(**session, "session", parts->limits.model); !ok) return std::unexpected(ok.error());
  }
  return remove_instance(parts, request, *std::move(id), Session(session->value_or("")));
}

awaitable<Response> finish_maintenance(PartsPtr parts, SetMaintenance command) {
  auto pending = submit(parts, std::move(command));
  const auto outcome = co_await std::move(pending);
  if (!outcome) co_return http::problem(outcome.error());
  co_return with_revision(http::json_response(200, instance_json(*outcome->instance)), outcome->revision);
}

Result<Answer> put_maintenance(const PartsPtr& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {}); !ok) return std::unexpected(ok.error());
  auto id = id_param(*parts, request, 0);
  if (!id) return std::unexpected(id.error());
  auto body = codec::decode_maintenance(request.body, parts->limits.model);
  if (!body) return std::unexpected(body.error());
  return finish_maintenance(parts, SetMaintenance{*std::move(id), body->on, std::move(body->reason)});
}

awaitable<Response> finish_remark(PartsPtr parts, Remark command) {
  auto pending = submit(parts, std::move(command));
  const auto outcome = co_await std::move(pending);
  if (!outcome) co_return http::problem(outcome.error());
  co_return with_revision(no_content(), outcome->revision);
}

Result<Answer> post_remark(const PartsPtr& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {}); !ok) return std::unexpected(ok.error());
  const auto name = service_param(*parts, request);
  if (!name) return std::unexpected(name.error());
  auto text = codec::decode_remark(request.body, parts->limits.model);
  if (!text) return std::unexpected(text.error());
  const auto view = parts->reader.find(name->view());
  if (!view) return service_not_found(name->view());
  if (!view->service.declaration) {
    return fail(ErrorCode::conflict, "no orchestrator declares this service: its instances speak for themselves",
                "name");
  }
  return finish_remark(parts, Remark{view->service.declared_by, *std::move(text)});
}

}  // namespace

Result<Answer> register_instance(const PartsPtr& parts, const Request& request, codec::RegistrationBody body,
                                 Created created) {
  if (body.spec.address.empty()) body.spec.address = request.peer_address;
  if (auto ok = judge_check(*parts, body.spec); !ok) return std::unexpected(ok.error());
  Register command{std::move(body.id), std::move(body.spec), std::move(body.session), Source::api};
  return finish_registration(parts, std::move(command), created);
}

Answer remove_instance(const PartsPtr& parts, const Request& request, InstanceId id, Session session) {
  return finish_removal(parts, Deregister{std::move(id), std::move(session), Source::api,
                                          Cause{"api", fmt::format("removed by {}", request.peer_address)}});
}

void add_native_writes(http::Router& router, const PartsPtr& parts) {
  router.add(Method::post, "/services/{name}/remarks", maybe_later(parts, post_remark));
  router.add(Method::post, "/services/{name}/instances", maybe_later(parts, post_instance));
  router.add(Method::put, "/services/{name}/instances/{id}", maybe_later(parts, put_instance));
  router.add(Method::delete_, "/instances/{id}", maybe_later(parts, delete_instance));
  router.add(Method::put, "/instances/{id}/maintenance", maybe_later(parts, put_maintenance));
}

}  // namespace rollcall::api
