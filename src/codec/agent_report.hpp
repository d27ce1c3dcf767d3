#pragma once
// An agent's report as JSON; docs/openapi.yaml, schema AgentReport.
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "model/agent_report.hpp"

namespace rollcall::codec {

[[nodiscard]] std::string encode_agent_report(const AgentReport& report);

/// At most `most` tasks and as many samples.
[[nodiscard]] Result<AgentReport> decode_agent_report(std::string_view json, const ModelLimits& limits,
                                                      std::size_t most);

/// The answer to a report; schema AgentWishes.
[[nodiscard]] std::string encode_agent_wishes(const AgentWishes& wishes);
[[nodiscard]] Result<AgentWishes> decode_agent_wishes(std::string_view json, const ModelLimits& limits,
                                                      std::size_t most);

/// The members of a sample of usage, without braces.
void append_usage_members(std::string& out, const UsageSample& usage);

}  // namespace rollcall::codec
