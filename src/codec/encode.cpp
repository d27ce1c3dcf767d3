#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>

#include "codec/agent_report.hpp"
#include "codec/json.hpp"

namespace rollcall::codec {
namespace {

using std::chrono::milliseconds;

template <class Integer>
void append_integer(std::string& out, Integer value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

/// At most three decimals; JSON has no NaN or infinity.
void append_real(std::string& out, double value) {
  if (!std::isfinite(value) || std::abs(value) > 1e15) {
    out += "null";
    return;
  }
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed, 3).ptr;
  out.append(digits, end);
}

/// Milliseconds as seconds, without digits that say nothing: 30000 -> 30, 1500 -> 1.5.
void append_seconds(std::string& out, milliseconds value) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(value);
  const auto rest = static_cast<int>((value - seconds).count());
  append_integer(out, seconds.count());
  if (rest == 0) return;
  const std::array<char, 4> decimals{'.', static_cast<char>('0' + rest / 100), static_cast<char>('0' + rest / 10 % 10),
                                     static_cast<char>('0' + rest % 10)};
  std::size_t used = decimals.size();
  while (decimals[used - 1] == '0') --used;
  out.append(decimals.data(), used);
}

/// Epoch seconds with milliseconds. Years before 1970 don't occur; they are shown as 0.
void append_time(std::string& out, WallTime time) {
  const auto ms = std::max(time.time_since_epoch(), milliseconds{0}).count();
  append_integer(out, ms / 1000);
  const auto rest = static_cast<int>(ms % 1000);
  const std::array<char, 4> decimals{'.', static_cast<char>('0' + rest / 100), static_cast<char>('0' + rest / 10 % 10),
                                     static_cast<char>('0' + rest % 10)};
  out.append(decimals.data(), decimals.size());
}

void append_whole_seconds(std::string& out, WallTime time) {
  append_integer(out, std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

constexpr std::array<bool, 256> kNeedsEscape = [] {
  std::array<bool, 256> table{};
  for (std::size_t i = 0; i < 0x20; ++i) table[i] = true;
  table['"'] = true;
  table['\\'] = true;
  return table;
}();

void append_escape(std::string& out, unsigned char byte) {
  switch (byte) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default: {
      constexpr std::string_view kHex = "0123456789abcdef";
      const std::array<char, 6> code{'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
      out.append(code.data(), code.size());
    }
  }
}

void append_tags(std::string& out, const std::vector<std::string>& tags) {
  out += ",\"tags\":[";
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (i > 0) out += ',';
    append_string(out, tags[i]);
  }
  out += ']';
}

void append_pairs(std::string& out, const Metadata& pairs) {
  out += '{';
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (i > 0) out += ',';
    append_string(out, pairs[i].first);
    out += ':';
    append_string(out, pairs[i].second);
  }
  out += '}';
}

void append_metadata(std::string& out, const Metadata& metadata) {
  out += ",\"metadata\":";
  append_pairs(out, metadata);
}

void append_check(std::string& out, const CheckSpec& check) {
  out += check.kind == CheckSpec::Kind::tcp ? ",\"check\":{\"tcp\":" : ",\"check\":{\"http\":";
  append_string(out, check.target);
  out += ",\"interval\":";
  append_seconds(out, check.interval);
  out += ",\"timeout\":";
  append_seconds(out, check.timeout);
  out += '}';
}

void append_state(std::string& out, const Instance& instance) {
  out += ",\"status\":\"";
  out += name_of(instance.status());
  out += '"';
  if (instance.maintenance) {
    out += ",\"maintenance\":";
    append_string(out, *instance.maintenance);
    out += ",\"health\":\"";
    out += name_of(instance.health);
    out += '"';
  }
  if (!instance.status_reason.empty()) {
    out += ",\"status_reason\":";
    append_string(out, instance.status_reason);
  }
  out += ",\"status_since\":";
  append_time(out, instance.status_since);
  out += ",\"source\":\"";
  out += name_of(instance.source);
  out += '"';
}

void append_terms(std::string& out, const InstanceSpec& spec) {
  if (spec.lease) {
    out += ",\"ttl\":";
    append_seconds(out, spec.lease->ttl);
    out += ",\"deregister_after\":";
    append_seconds(out, spec.lease->deregister_after);
  }
  if (spec.check) append_check(out, *spec.check);
}

/// One word for a service: passing if all are, critical if none is, warning between; maintenance hides the others.
/// Instances that are wanted and aren't there count as critical ones.
std::string_view status_of(const StatusCounts& counts, std::uint32_t wanted) noexcept {
  const auto total = std::max(counts.total(), wanted);
  if (total > 0 && counts.maintenance == total) return "maintenance";
  if (counts.passing + counts.maintenance == total) return "passing";
  return counts.passing == 0 && counts.warning == 0 ? "critical" : "warning";
}

/// Always with a fraction, as the clients of seed 004 are used to.
void append_threshold(std::string& out, double per_cent) {
  append_real(out, per_cent);
  while (out.ends_with('0') && !out.ends_with(".0")) out.pop_back();
}

void append_scaling(std::string& out, const Scaling& scaling) {
  out += scaling.metric == ScalingMetric::cpu ? R"(,"metric":"cpu","thresholds":{"cpu":)"
                                              : R"(,"metric":"memory","thresholds":{"cpu":)";
  append_threshold(out, scaling.cpu_threshold);
  out += ",\"memory\":";
  append_threshold(out, scaling.memory_threshold);
  out += "},\"min_replicas\":";
  append_integer(out, scaling.min_replicas);
  out += ",\"max_replicas\":";
  append_integer(out, scaling.max_replicas);
}

void append_entry(std::string& out, std::string_view id, const ServiceName& name, const Metadata& labels,
                  std::uint32_t replicas, const Scaling& scaling) {
  out += "\"id\":";
  append_string(out, id);
  out += ",\"name\":";
  append_string(out, name.view());
  out += ",\"labels\":";
  append_pairs(out, labels);
  out += ",\"current_replicas\":";
  append_integer(out, replicas);
  append_scaling(out, scaling);
}

void append_times(std::string& out, WallTime created_at, WallTime updated_at) {
  out += ",\"created_at\":";
  append_whole_seconds(out, created_at);
  out += ",\"updated_at\":";
  append_whole_seconds(out, updated_at);
}

void append_declared(std::string& out, const ServiceName& name, const Declaration& declaration) {
  append_entry(out, declaration.native_id, name, declaration.labels, declaration.replicas, declaration.scaling);
  append_times(out, declaration.created_at, declaration.updated_at);
  out += declaration.global ? R"(,"mode":"global")" : R"(,"mode":"replicated")";
}

/// An autoscaler that reads every entry must never scale what isn't Swarm's: no room up, none down.
void append_undeclared(std::string& out, const Service& service) {
  const auto total = service.counts.total();
  append_entry(out, service.name.view(), service.name, {}, total, {.min_replicas = total, .max_replicas = total});
  append_times(out, service.created_at, service.updated_at);
}

/// What a source says of a service, by the record's own id.
void append_declaration(std::string& out, const Instance& record) {
  out += "{\"record\":";
  append_string(out, record.id.view());
  out += ",\"service\":";
  append_string(out, record.spec.service.view());
  out += ",\"source\":\"";
  out += name_of(record.source);
  out += "\",";
  append_declared(out, record.spec.service, *record.spec.declares);
  out += ",\"created_revision\":";
  append_integer(out, record.created.value);
  out += ",\"revision\":";
  append_integer(out, record.modified.value);
  out += '}';
}

void append_optional(std::string& out, std::string_view name, const std::optional<std::uint64_t>& value) {
  if (!value) return;
  out += name;
  append_integer(out, *value);
}

void append_orthanc(std::string& out, const OrthancSample& orthanc) {
  out += ",\"orthanc\":{";
  const auto begin = out.size();
  append_optional(out, ",\"patients\":", orthanc.patients);
  append_optional(out, ",\"studies\":", orthanc.studies);
  append_optional(out, ",\"series\":", orthanc.series);
  append_optional(out, ",\"instances\":", orthanc.instances);
  append_optional(out, ",\"disk_bytes\":", orthanc.disk_bytes);
  append_optional(out, ",\"uncompressed_bytes\":", orthanc.uncompressed_bytes);
  append_optional(out, ",\"jobs_running\":", orthanc.jobs_running);
  append_optional(out, ",\"jobs_pending\":", orthanc.jobs_pending);
  append_optional(out, ",\"jobs_failed\":", orthanc.jobs_failed);
  if (orthanc.cpu_percent) {
    out += ",\"cpu_percent\":";
    append_real(out, *orthanc.cpu_percent);
  }
  append_optional(out, ",\"memory_bytes\":", orthanc.memory_bytes);
  append_optional(out, ",\"restarts\":", orthanc.restarts);
  if (out.size() > begin) out.erase(begin, 1);
  out += '}';
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t run = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (!kNeedsEscape[byte]) continue;
    out.append(text, run, i - run);
    append_escape(out, byte);
    run = i + 1;
  }
  out.append(text, run);
  out += '"';
}

void append_instance(std::string& out, const Instance& instance) {
  out += "{\"id\":";
  append_string(out, instance.id.view());
  out += ",\"service\":";
  append_string(out, instance.spec.service.view());
  out += ",\"address\":";
  append_string(out, instance.spec.address);
  out += ",\"port\":";
  append_integer(out, instance.spec.port);
  append_tags(out, instance.spec.tags);
  append_metadata(out, instance.spec.metadata);
  out += ",\"weight\":";
  append_integer(out, instance.spec.weight);
  append_state(out, instance);
  append_terms(out, instance.spec);
  out += ",\"incarnation\":";
  append_integer(out, instance.incarnation.value);
  out += ",\"registered_at\":";
  append_time(out, instance.registered_at);
  out += ",\"created_revision\":";
  append_integer(out, instance.created.value);
  out += ",\"revision\":";
  append_integer(out, instance.modified.value);
  out += '}';
}

void append_service_members(std::string& out, const Service& service) {
  const auto& counts = service.counts;
  if (service.declaration) {
    append_declared(out, service.name, *service.declaration);
  } else {
    append_undeclared(out, service);
  }
  out += ",\"status\":\"";
  out += status_of(counts, service.declaration ? service.declaration->replicas : 0);
  out += "\",\"instance_counts\":{\"passing\":";
  append_integer(out, counts.passing);
  out += ",\"warning\":";
  append_integer(out, counts.warning);
  out += ",\"critical\":";
  append_integer(out, counts.critical);
  out += ",\"maintenance\":";
  append_integer(out, counts.maintenance);
  out += "},\"revision\":";
  append_integer(out, service.revision.value);
}

std::string_view shown_kind(const Event& event) noexcept {
  if (!event.instance->spec.declares) return name_of(event.kind);
  return event.kind == EventKind::removed ? "withdrawn" : "declared";
}

void append_event(std::string& out, const Event& event) {
  const auto& record = *event.instance;
  out += "{\"revision\":";
  append_integer(out, event.revision.value);
  out += ",\"previous\":";
  append_integer(out, event.previous.value);
  out += ",\"at\":";
  append_time(out, event.at);
  out += ",\"kind\":\"";
  out += shown_kind(event);
  out += "\",\"cause\":{\"writer\":";
  append_string(out, event.cause.writer);
  out += ",\"evidence\":";
  append_string(out, event.cause.evidence);
  out += record.spec.declares ? "},\"declaration\":" : "},\"instance\":";
  record.spec.declares ? append_declaration(out, record) : append_instance(out, record);
  out += '}';
}

void append_sample_members(std::string& out, const Sample& sample) {
  out += ",\"first_seen\":";
  append_time(out, sample.first_seen);
  out += ",\"last_seen\":";
  append_time(out, sample.last_seen);
  if (sample.response_time_ms) {
    out += ",\"response_time_ms\":";
    append_real(out, *sample.response_time_ms);
  }
  if (sample.orthanc) append_orthanc(out, *sample.orthanc);
  if (!sample.usage) return;
  out += ",\"usage\":{";
  append_usage_members(out, *sample.usage);
  out += '}';
}

}  // namespace rollcall::codec
