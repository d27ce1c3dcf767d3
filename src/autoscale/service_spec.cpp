#include "autoscale/service_spec.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace rollcall::autoscale {
namespace {

namespace json = boost::json;

std::unexpected<Error> no_service(std::string_view why) {
  return fail(ErrorCode::incompatible, fmt::format("the engine's answer is no replicated service: {}", why));
}

json::object* object_in(json::object* parent, std::string_view name) {
  auto* member = parent == nullptr ? nullptr : parent->if_contains(name);
  return member == nullptr ? nullptr : member->if_object();
}

}  // namespace

Result<ScaledSpec> scaled_spec(std::string_view service, std::uint32_t from, std::uint32_t to) {
  boost::system::error_code error;
  auto answer = json::parse(service, error);
  auto* root = error ? nullptr : answer.if_object();
  if (root == nullptr) return no_service("it isn't a JSON object");
  auto* version = object_in(root, "Version");
  const auto* index = version == nullptr ? nullptr : version->if_contains("Index");
  if (index == nullptr || !index->is_number()) return no_service("it has no version");
  auto* spec = object_in(root, "Spec");
  auto* replicated = object_in(object_in(spec, "Mode"), "Replicated");
  if (replicated == nullptr) return no_service("its mode is another");
  auto& replicas = (*replicated)["Replicas"];
  if (!replicas.is_number() || replicas.to_number<std::uint32_t>(error) != from || error) {
    return fail(ErrorCode::conflict,
                fmt::format("the Swarm wants {} replicas by now, not {}", json::serialize(replicas), from));
  }
  replicas = to;
  return ScaledSpec{index->to_number<std::uint64_t>(), json::serialize(*spec)};
}

}  // namespace rollcall::autoscale
