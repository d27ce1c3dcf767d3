// POST /agents/{node}: what an agent tells of the node that it runs on.
#include "api/answers.hpp"
#include "codec/agent_report.hpp"
#include "model/validate.hpp"

namespace rollcall::api {
namespace {

using http::Method;

Result<Response> post_report(const ApiParts& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {}); !ok) return std::unexpected(ok.error());
  const std::string_view node = request.params.at(0);
  if (auto ok = validate_name(node, "node", parts.limits.model); !ok) return std::unexpected(ok.error());
  const auto report = codec::decode_agent_report(request.body, parts.limits.model, parts.limits.metrics.report_entries);
  if (!report) return std::unexpected(report.error());
  if (!parts.agent_reports) return fail(ErrorCode::unavailable, "this daemon follows no Swarm");
  if (auto taken = parts.agent_reports(node, *report); !taken) return std::unexpected(taken.error());
  return no_content();
}

}  // namespace

void add_agents(http::Router& router, const PartsPtr& parts) {
  router.add(Method::post, "/agents/{node}", at_once(parts, post_report));
}

}  // namespace rollcall::api
