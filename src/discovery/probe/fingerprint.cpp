#include "discovery/probe/fingerprint.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <vector>

#include "model/validate.hpp"

namespace rollcall::probe {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxJsonDepth = 32;

std::optional<json::value> parse_json(std::string_view body) {
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  boost::system::error_code error;
  auto value = json::parse(body, error, {}, options);
  if (error) return std::nullopt;
  return value;
}

std::optional<std::string> text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  const std::string_view text = value->get_string();
  if (!text.empty() && !validate_name(text, key, ModelLimits{})) return std::nullopt;
  return std::string(text);
}

/// A count, whether it is sent as a number or, like Orthanc's sizes, as a string.
std::optional<std::uint64_t> number_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_int64() && value->get_int64() >= 0) return static_cast<std::uint64_t>(value->get_int64());
  if (value->is_uint64()) return value->get_uint64();
  if (!value->is_string()) return std::nullopt;
  const std::string_view text = value->get_string();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool contains_orthanc(std::string_view text) {
  constexpr std::string_view kName = "orthanc";
  const auto same = [](char a, char b) { return (a | 0x20) == b; };
  return !std::ranges::search(text, kName, same).empty();
}

/// Orthanc's own error bodies carry its error codes.
bool is_orthanc_error(std::string_view body) {
  const auto value = parse_json(body);
  if (!value || !value->is_object()) return false;
  const auto& object = value->get_object();
  return object.contains("OrthancStatus") && object.contains("OrthancError") && object.contains("HttpStatus");
}

Fingerprint plain(const net::HttpReply& reply, PortKind kind) {
  return {.kind = kind, .identity = {}, .server = reply.server};
}

}  // namespace

std::optional<OrthancIdentity> parse_system(std::string_view body) {
  const auto value = parse_json(body);
  if (!value || !value->is_object()) return std::nullopt;
  const auto& object = value->get_object();
  const auto version = text_at(object, "Version");
  const auto aet = text_at(object, "DicomAet");
  OrthancIdentity identity;
  identity.api_version = number_at(object, "ApiVersion");
  identity.database_version = number_at(object, "DatabaseVersion");
  if (!version || version->empty() || !aet || (!identity.api_version && !identity.database_version))
    return std::nullopt;
  identity.version = *version;
  identity.aet = *aet;
  identity.name = text_at(object, "Name").value_or("");
  const auto port = number_at(object, "DicomPort");
  if (port && *port >= 1 && *port <= 65'535) identity.dicom_port = static_cast<std::uint16_t>(*port);
  return identity;
}

Fingerprint fingerprint_system(const net::HttpReply& system) {
  if (system.status == 200) {
    if (auto identity = parse_system(system.body))
      return {.kind = PortKind::orthanc, .identity = std::move(*identity), .server = system.server};
    return plain(system, PortKind::http);
  }
  if (system.status == 401 && contains_orthanc(system.www_authenticate)) return plain(system, PortKind::orthanc_locked);
  if (system.status != 401 && system.status != 403) return plain(system, PortKind::http);
  return plain(system, is_orthanc_error(system.body) ? PortKind::orthanc_locked : PortKind::undecided);
}

Fingerprint fingerprint_root(const net::HttpReply& root) {
  const bool redirect = root.status == 301 || root.status == 302 || root.status == 307;
  const bool to_explorer = root.location.ends_with("app/explorer.html") || root.location.ends_with("ui/app/");
  return plain(root, redirect && to_explorer ? PortKind::orthanc_locked : PortKind::http);
}

bool parse_statistics(std::string_view body, OrthancSample& sample) {
  const auto value = parse_json(body);
  if (!value || !value->is_object()) return false;
  const auto& object = value->get_object();
  if (!object.contains("CountInstances")) return false;
  sample.patients = number_at(object, "CountPatients");
  sample.studies = number_at(object, "CountStudies");
  sample.series = number_at(object, "CountSeries");
  sample.instances = number_at(object, "CountInstances");
  sample.disk_bytes = number_at(object, "TotalDiskSize");
  sample.uncompressed_bytes = number_at(object, "TotalUncompressedSize");
  return true;
}

bool parse_jobs(std::string_view body, OrthancSample& sample) {
  const auto value = parse_json(body);
  if (!value || !value->is_array()) return false;
  std::uint64_t running = 0, pending = 0, failed = 0;
  for (const auto& job : value->get_array()) {
    if (!job.is_object()) return false;
    const auto state = text_at(job.get_object(), "State");
    if (!state) return false;
    running += *state == "Running" ? 1 : 0;
    pending += *state == "Pending" || *state == "Retry" || *state == "Paused" ? 1 : 0;
    failed += *state == "Failure" ? 1 : 0;
  }
  sample.jobs_running = running;
  sample.jobs_pending = pending;
  sample.jobs_failed = failed;
  return true;
}

std::optional<std::string> parse_plugins(std::string_view body, std::size_t max_bytes) {
  const auto value = parse_json(body);
  if (!value || !value->is_array()) return std::nullopt;
  std::vector<std::string> names;
  for (const auto& name : value->get_array()) {
    if (!name.is_string()) return std::nullopt;
    const std::string_view text = name.get_string();
    if (is_utf8(text) && text.find(',') == std::string_view::npos && !text.empty()) names.emplace_back(text);
  }
  std::ranges::sort(names);
  std::string joined;
  for (const auto& name : names) {
    if (joined.size() + name.size() + 1 > max_bytes) break;
    if (!joined.empty()) joined += ',';
    joined += name;
  }
  return joined;
}

}  // namespace rollcall::probe
