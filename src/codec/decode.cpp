#include <fmt/format.h>

#include <algorithm>

#include "codec/fields.hpp"
#include "codec/json.hpp"
#include "model/validate.hpp"

namespace rollcall::codec {
namespace {

using std::chrono::milliseconds;

/// The root, its members and what they may hold, with some room so that a field's own error comes first.
std::size_t most_values(const ModelLimits& limits) { return 64 + 2 * (limits.tags + limits.metadata_entries); }

Result<void> read_tags(const Document& document, const JsonValue& value, const ModelLimits& limits,
                       std::vector<std::string>& tags) {
  if (value.kind != JsonKind::array) return wrong_type(value, "tags", "an array of strings");
  return document.for_each_in(value, [&](const JsonValue& element) -> Result<void> {
    if (tags.size() == limits.tags) {
      return fail(ErrorCode::invalid, fmt::format("has too many entries; allowed are {}", limits.tags), "tags");
    }
    auto text = read_plain_text(element, "tags", 1, limits.tag_bytes);
    if (!text) {
      text.error().field = fmt::format("tags[{}]", tags.size());
      return std::unexpected(std::move(text.error()));
    }
    if (std::ranges::find(tags, *text) != tags.end()) {
      return fail(ErrorCode::invalid, "is there twice", fmt::format("tags[{}]", tags.size()));
    }
    tags.emplace_back(*text);
    return {};
  });
}

Result<void> read_metadata(const Document& document, const JsonValue& value, const ModelLimits& limits,
                           Metadata& metadata) {
  if (value.kind != JsonKind::object) return wrong_type(value, "metadata", "an object of strings");
  auto ok = document.for_each_in(value, [&](const JsonValue& member) -> Result<void> {
    if (metadata.size() == limits.metadata_entries) {
      return fail(ErrorCode::invalid, fmt::format("has too many entries; allowed are {}", limits.metadata_entries),
                  "metadata");
    }
    if (member.kind != JsonKind::text) return wrong_type(member, join_path("metadata", member.key), "a string");
    metadata.emplace_back(member.key, member.text);
    return {};
  });
  if (!ok) return ok;
  std::ranges::sort(metadata, {}, &Metadata::value_type::first);
  const auto twice = std::ranges::adjacent_find(metadata, {}, &Metadata::value_type::first);
  if (twice == metadata.end()) return {};
  return fail(ErrorCode::invalid, "is there twice", join_path("metadata", twice->first));
}

/// "HOST:PORT", an IPv6 address in brackets; `port_needed` as tcp has it.
bool is_authority(std::string_view text, bool port_needed) {
  if (text.find('@') != text.npos) return false;
  std::size_t host_end = 0;
  if (text.starts_with('[')) {
    const auto bracket = text.find(']');
    if (bracket == text.npos || bracket < 3) return false;
    host_end = bracket + 1;
  } else {
    host_end = std::min(text.find(':'), text.size());
    if (host_end == 0) return false;
  }
  if (host_end == text.size()) return !port_needed;
  return text[host_end] == ':' && parse_port(text.substr(host_end + 1), {}).has_value();
}

bool is_printable_ascii(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

bool is_check_target(CheckSpec::Kind kind, std::string_view text) {
  if (!is_printable_ascii(text)) return false;
  if (kind == CheckSpec::Kind::tcp) return is_authority(text, true);
  constexpr std::string_view kScheme = "http://";
  if (!text.starts_with(kScheme)) return false;
  const auto rest = text.substr(kScheme.size());
  return is_authority(rest.substr(0, rest.find_first_of("/?#")), false);
}

Result<void> read_target(const JsonValue& value, const ModelLimits& limits, CheckSpec& check) {
  const bool tcp = check.kind == CheckSpec::Kind::tcp;
  const std::string_view field = tcp ? "check.tcp" : "check.http";
  auto text = read_plain_text(value, field, 1, limits.check_target_bytes);
  if (!text) return std::unexpected(std::move(text.error()));
  if (!is_check_target(check.kind, *text)) {
    return fail(ErrorCode::invalid,
                tcp ? "allowed is \"ADDRESS:PORT\", port 1 to 65535"
                    : "allowed is \"http://ADDRESS[:PORT]/PATH\" in ASCII, without user name",
                std::string(field));
  }
  check.target = *text;
  return {};
}

Result<void> read_check(const Document& document, const JsonValue& value, const ModelLimits& limits,
                        Rare<CheckSpec>& out) {
  enum : std::uint8_t { kTcp, kHttp, kInterval, kTimeout, kCount };
  constexpr std::array<std::string_view, kCount> kNames{"tcp", "http", "interval", "timeout"};
  if (value.kind != JsonKind::object) return wrong_type(value, "check", "an object");
  std::array<const JsonValue*, kCount> found{};
  if (auto ok = take_members(document, value, "check", kNames, found); !ok) return ok;
  if ((found[kTcp] != nullptr) == (found[kHttp] != nullptr)) {
    return fail(ErrorCode::invalid, "needs either tcp or http", "check");
  }
  CheckSpec check;
  check.kind = found[kTcp] != nullptr ? CheckSpec::Kind::tcp : CheckSpec::Kind::http;
  if (auto ok = read_target(found[kTcp] != nullptr ? *found[kTcp] : *found[kHttp], limits, check); !ok) return ok;
  check.interval = limits.check_interval_default;
  if (found[kInterval] != nullptr) {
    const auto interval = read_duration(*found[kInterval], "check.interval");
    if (!interval) return std::unexpected(interval.error());
    check.interval = *interval;
  }
  check.timeout = std::min(limits.check_timeout_default, check.interval);
  if (found[kTimeout] != nullptr) {
    const auto timeout = read_duration(*found[kTimeout], "check.timeout");
    if (!timeout) return std::unexpected(timeout.error());
    check.timeout = *timeout;
  }
  out = std::move(check);
  return {};
}

Result<void> read_lease(const JsonValue* ttl, const JsonValue* deregister_after, const ModelLimits& limits,
                        std::optional<LeaseTerms>& out) {
  LeaseTerms terms;
  terms.ttl = limits.ttl_default;
  if (ttl != nullptr && ttl->kind != JsonKind::null) {
    const auto value = read_duration(*ttl, "ttl");
    if (!value) return std::unexpected(value.error());
    terms.ttl = *value;
  }
  if (deregister_after != nullptr) {
    const auto value = read_duration(*deregister_after, "deregister_after");
    if (!value) return std::unexpected(value.error());
    terms.deregister_after = *value;
  }
  out = terms;
  return {};
}

/// Sets `out` if the field is there.
template <class Text>
Result<void> read_name(const JsonValue* value, std::string_view field, std::size_t min, std::size_t max, Text& out) {
  if (value == nullptr) return {};
  auto text = read_plain_text(*value, field, min, max);
  if (!text) return std::unexpected(std::move(text.error()));
  out = Text(*text);
  return {};
}

template <class Number>
Result<void> read_number(const JsonValue* value, std::string_view field, std::int64_t min, std::int64_t max,
                         Number& out) {
  if (value == nullptr) return {};
  auto number = read_integer(*value, field, min, max);
  if (!number) return std::unexpected(std::move(number.error()));
  out = static_cast<Number>(*number);
  return {};
}

enum Field : std::uint8_t {
  kId,
  kAddress,
  kPort,
  kTags,
  kMetadata,
  kWeight,
  kTtl,
  kDeregisterAfter,
  kSession,
  kCheck,
  kName,  ///< last: only where no path names the service
  kFields
};
constexpr std::array<std::string_view, kFields> kFieldNames{
    "id", "address", "port", "tags", "metadata", "weight", "ttl", "deregister_after", "session", "check", "name"};
using Fields = std::array<const JsonValue*, kFields>;

Result<void> read_identity(const Fields& found, const ModelLimits& limits, RegistrationBody& body) {
  if (found[kId] != nullptr) {
    if (auto ok = read_name(found[kId], "id", 1, limits.name_bytes, body.id.emplace()); !ok) return ok;
  }
  if (auto ok = read_name(found[kSession], "session", 0, limits.name_bytes, body.session); !ok) return ok;
  if (auto ok = read_name(found[kAddress], "address", 1, limits.address_bytes, body.spec.address); !ok) return ok;
  if (auto ok = read_number(found[kPort], "port", 1, 65'535, body.spec.port); !ok) return ok;
  return read_number(found[kWeight], "weight", 0, 65'535, body.spec.weight);
}

Result<void> read_service(const JsonValue* value, const ModelLimits& limits, ServiceName& service) {
  if (value == nullptr) return fail(ErrorCode::invalid, "is missing", "name");
  return read_name(value, "name", 1, limits.name_bytes, service);
}

Result<void> read_spec(const Document& document, const Fields& found, const ModelLimits& limits, InstanceSpec& spec) {
  if (found[kTags] != nullptr) {
    if (auto ok = read_tags(document, *found[kTags], limits, spec.tags); !ok) return ok;
  }
  if (found[kMetadata] != nullptr) {
    if (auto ok = read_metadata(document, *found[kMetadata], limits, spec.metadata); !ok) return ok;
  }
  if (found[kCheck] != nullptr) {
    if (auto ok = read_check(document, *found[kCheck], limits, spec.check); !ok) return ok;
  }
  return read_lease(found[kTtl], found[kDeregisterAfter], limits, spec.lease);
}

/// Without `service`, the body names it.
Result<RegistrationBody> read_registration(std::string_view json, std::optional<ServiceName> service,
                                           const ModelLimits& limits) {
  Document document;
  if (auto ok = document.parse(json, most_values(limits)); !ok) return std::unexpected(std::move(ok.error()));
  Fields found{};
  RegistrationBody body;
  auto ok = take_root(document, std::span(kFieldNames).first(service ? kName : kFields), found);
  if (ok && !service) ok = read_service(found[kName], limits, service.emplace());
  if (ok) ok = read_identity(found, limits, body);
  if (ok) ok = read_spec(document, found, limits, body.spec);
  if (ok) body.spec.service = *std::move(service);
  if (ok) ok = validate(body.spec, limits);
  if (!ok) return std::unexpected(std::move(ok.error()));
  return body;
}

}  // namespace

Result<RegistrationBody> decode_registration(std::string_view json, ServiceName service, const ModelLimits& limits) {
  return read_registration(json, std::move(service), limits);
}

Result<RegistrationBody> decode_named_registration(std::string_view json, const ModelLimits& limits) {
  return read_registration(json, std::nullopt, limits);
}

Result<HeartbeatBody> decode_heartbeat(std::string_view json, const ModelLimits& limits) {
  HeartbeatBody body;
  if (json.empty()) return body;
  constexpr std::array<std::string_view, 1> kNames{"session"};
  std::array<const JsonValue*, 1> found{};
  Document document;
  auto ok = document.parse(json, most_values(limits));
  if (ok) ok = take_root(document, kNames, found);
  if (ok) ok = read_name(found[0], "session", 0, limits.name_bytes, body.session);
  if (!ok) return std::unexpected(std::move(ok.error()));
  return body;
}

Result<InstanceCall> decode_instance_call(std::string_view json, const ModelLimits& limits) {
  constexpr std::array<std::string_view, 2> kNames{"id", "session"};
  std::array<const JsonValue*, 2> found{};
  InstanceCall call;
  Document document;
  auto ok = document.parse(json, most_values(limits));
  if (ok) ok = take_root(document, kNames, found);
  if (ok && found[0] == nullptr) ok = fail(ErrorCode::invalid, "is missing", "id");
  if (ok) ok = read_name(found[0], "id", 1, limits.name_bytes, call.id);
  if (ok) ok = read_name(found[1], "session", 0, limits.name_bytes, call.session);
  if (!ok) return std::unexpected(std::move(ok.error()));
  return call;
}

Result<std::vector<std::string>> decode_heartbeats(std::string_view json, const ModelLimits& limits, std::size_t most) {
  constexpr std::array<std::string_view, 1> kNames{"ids"};
  std::array<const JsonValue*, 1> found{};
  Document document;
  auto ok = document.parse(json, most + most_values(limits));
  if (ok) ok = take_root(document, kNames, found);
  if (!ok) return std::unexpected(std::move(ok.error()));
  if (found[0] == nullptr) return fail(ErrorCode::invalid, "is missing", "ids");
  if (found[0]->kind != JsonKind::array) return wrong_type(*found[0], "ids", "an array of strings");
  std::vector<std::string> ids;
  ok = document.for_each_in(*found[0], [&](const JsonValue& element) -> Result<void> {
    if (ids.size() == most) {
      return fail(ErrorCode::invalid, fmt::format("has too many entries; allowed are {}", most), "ids");
    }
    if (element.kind != JsonKind::text) return wrong_type(element, fmt::format("ids[{}]", ids.size()), "a string");
    ids.emplace_back(element.text);
    return {};
  });
  if (!ok) return std::unexpected(std::move(ok.error()));
  return ids;
}

Result<MaintenanceBody> decode_maintenance(std::string_view json, const ModelLimits& limits) {
  constexpr std::array<std::string_view, 2> kNames{"enabled", "reason"};
  std::array<const JsonValue*, 2> found{};
  MaintenanceBody body;
  Document document;
  auto ok = document.parse(json, most_values(limits));
  if (ok) ok = take_root(document, kNames, found);
  if (!ok) return std::unexpected(std::move(ok.error()));
  if (found[0] == nullptr) return fail(ErrorCode::invalid, "is missing; allowed are true and false", "enabled");
  if (found[0]->kind != JsonKind::boolean) return wrong_type(*found[0], "enabled", "a boolean");
  body.on = found[0]->boolean;
  if (found[1] != nullptr) {
    auto reason = read_plain_text(*found[1], "reason", 0, limits.reason_bytes);
    if (!reason) return std::unexpected(std::move(reason.error()));
    body.reason = *reason;
  }
  return body;
}

Result<std::string> decode_remark(std::string_view json, const ModelLimits& limits) {
  constexpr std::array<std::string_view, 1> kNames{"text"};
  std::array<const JsonValue*, 1> found{};
  Document document;
  auto ok = document.parse(json, most_values(limits));
  if (ok) ok = take_root(document, kNames, found);
  if (!ok) return std::unexpected(std::move(ok.error()));
  if (found[0] == nullptr) return fail(ErrorCode::invalid, "is missing; allowed is a text", "text");
  const auto text = read_plain_text(*found[0], "text", 1, limits.reason_bytes);
  if (!text) return std::unexpected(text.error());
  return std::string(*text);
}

Result<std::vector<std::string>> decode_instance_ids(std::string_view json) {
  Document document;
  // Our own bytes: each value takes two of them at least.
  if (auto ok = document.parse(json, json.size()); !ok) return std::unexpected(std::move(ok.error()));
  if (document.root().kind != JsonKind::array) return wrong_type(document.root(), "instances", "an array");
  std::vector<std::string> ids;
  auto ok = document.for_each_in(document.root(), [&](const JsonValue& instance) -> Result<void> {
    return document.for_each_in(instance, [&](const JsonValue& member) -> Result<void> {
      if (member.key == "id") ids.emplace_back(member.text);
      return {};
    });
  });
  if (!ok) return std::unexpected(std::move(ok.error()));
  return ids;
}

}  // namespace rollcall::codec
