// GET /cluster: the nodes that share the log, as this one sees them. One that is alone shows itself.
#include "api/answers.hpp"
#include "codec/json.hpp"

namespace rollcall::api {
namespace {

using http::Method;

double in_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

void append_member(std::string& json, std::string_view name, std::string_view value) {
  json += ",\"";
  json += name;
  json += "\":";
  codec::append_string(json, value);
}

ClusterView view_of(const ApiParts& parts) {
  if (auto shared = parts.registry.cluster()) return *std::move(shared);
  ClusterView alone;
  alone.revision = parts.catalog.revision();
  alone.nodes.push_back({.card = parts.node.card, .revision = alone.revision, .is_self = true, .is_reaper = true});
  return alone;
}

void append_node(std::string& json, const ClusterView::Node& node, const ClusterView& view) {
  json += "{\"name\":";
  codec::append_string(json, node.card.name);
  append_member(json, "address", node.card.address);
  append_member(json, "version", node.card.version);
  json += ",\"revision\":";
  append_number(json, node.revision.value);
  json += ",\"behind\":";
  append_number(json, view.revision.value - std::min(view.revision, node.revision).value);
  json += ",\"silent_for\":";
  append_seconds(json, in_seconds(node.silent_for));
  json += node.is_reaper ? ",\"reaper\":true" : ",\"reaper\":false";
  json += node.is_self ? ",\"self\":true}" : ",\"self\":false}";
}

void append_nodes(std::string& json, const ClusterView& view) {
  json += ",\"nodes\":[";
  for (std::size_t i = 0; i < view.nodes.size(); ++i) {
    if (i > 0) json += ',';
    append_node(json, view.nodes[i], view);
  }
  json += "],\"offices\":[";
  for (std::size_t i = 0; i < view.offices.size(); ++i) {
    if (i > 0) json += ',';
    codec::append_string(json, view.offices[i]);
  }
  json += ']';
}

void append_store(std::string& json, const ApiParts& parts, const ClusterView& view) {
  std::string detail;
  const bool writable = parts.registry.writable(&detail);
  json += ",\"store\":{\"engine\":";
  codec::append_string(json, parts.node.store);
  json += writable ? ",\"writable\":true" : ",\"writable\":false";
  json += ",\"revision\":";
  append_number(json, view.revision.value);
  if (!detail.empty()) append_member(json, "detail", detail);
  json += '}';
}

Result<Response> get_cluster(const ApiParts& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {}); !ok) return std::unexpected(ok.error());
  const auto view = view_of(parts);
  std::string json = "{\"node\":";
  codec::append_string(json, parts.node.card.name);
  json += ",\"generation\":";
  append_number(json, parts.catalog.generation().value);
  json += ",\"revision\":";
  append_number(json, parts.catalog.revision().value);
  json += ",\"lag\":";
  append_seconds(json, in_seconds(parts.registry.lag()));
  json += parts.registry.in_touch() ? ",\"in_touch\":true" : ",\"in_touch\":false";
  append_nodes(json, view);
  append_store(json, parts, view);
  if (!view.trouble.empty()) append_member(json, "trouble", view.trouble);
  json += '}';
  return http::json_response(200, std::move(json));
}

}  // namespace

void add_cluster(http::Router& router, const PartsPtr& parts) {
  router.add(Method::get, "/cluster", at_once(parts, get_cluster));
}

}  // namespace rollcall::api
