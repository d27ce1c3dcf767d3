// POST /agents/{node}: what an agent tells of the node that it runs on.
#include "api/answers.hpp"
#include "codec/agent_report.hpp"
#include "http/await_callback.hpp"
#include "model/validate.hpp"

namespace rollcall::api {
namespace {

using http::Method;

boost::asio::awaitable<Response> take_then_wish(PartsPtr parts, std::string node, AgentReport report) {
  auto pending = http::await_callback<Result<AgentWishes>>(
      [&](auto take) { parts->agent_reports(std::move(node), std::move(report), std::move(take)); });
  const auto wishes = co_await std::move(pending);
  if (!wishes) co_return http::problem(wishes.error());
  co_return http::json_response(200, codec::encode_agent_wishes(*wishes));
}

Result<Answer> post_report(const PartsPtr& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {}); !ok) return std::unexpected(ok.error());
  std::string node(request.params.at(0));
  if (auto ok = validate_name(node, "node", parts->limits.model); !ok) return std::unexpected(ok.error());
  const auto& limits = parts->limits;
  auto report = codec::decode_agent_report(request.body, limits.model, limits.metrics.report_entries);
  if (!report) return std::unexpected(report.error());
  if (!parts->agent_reports) return fail(ErrorCode::unavailable, "this daemon follows no Swarm");
  return take_then_wish(parts, std::move(node), *std::move(report));
}

}  // namespace

void add_agents(http::Router& router, const PartsPtr& parts) {
  router.add(Method::post, "/agents/{node}", maybe_later(parts, post_report));
}

}  // namespace rollcall::api
