#pragma once
// Model values <-> JSON. Encoding appends to a string and can't fail; decoding is strict: unknown fields, wrong types
// and values out of range are errors that name the field.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "model/event.hpp"
#include "model/sample.hpp"
#include "model/service.hpp"

namespace rollcall::codec {

/// Appends `text` as a JSON string with its quotes. `text` is UTF-8.
void append_string(std::string& out, std::string_view text);

/// One instance as the native API shows it; see docs/openapi.yaml, schema Instance.
void append_instance(std::string& out, const Instance& instance);

/// A service's members without braces, in seed 004's shape with more fields; schema Service. Where no orchestrator
/// declares it an autoscaler finds min = max = current replicas, for it must never scale what isn't Swarm's.
void append_service_members(std::string& out, const Service& service);

/// Schema Event.
void append_event(std::string& out, const Event& event);

/// What readers are told that happened: the event's kind; of a record that declares a service `declared`, `withdrawn`.
[[nodiscard]] std::string_view shown_kind(const Event& event) noexcept;

/// The members a sample adds to an instance, each with a leading comma.
void append_sample_members(std::string& out, const Sample& sample);

/// The body of a registration. Durations (`ttl`, `deregister_after`, `check.interval`, `check.timeout`) are seconds as
/// numbers, or texts with a unit: "500ms", "30s", "1m". A `ttl` that is left out or null is the default.
struct RegistrationBody {
  std::optional<InstanceId> id;
  InstanceSpec spec;
  Session session;
};
[[nodiscard]] Result<RegistrationBody> decode_registration(std::string_view json, ServiceName service,
                                                           const ModelLimits& limits);
/// The same with the service's name in a further field, `name`, which must be there.
[[nodiscard]] Result<RegistrationBody> decode_named_registration(std::string_view json, const ModelLimits& limits);

struct HeartbeatBody {
  Session session;
};
/// An empty body is a heartbeat without session.
[[nodiscard]] Result<HeartbeatBody> decode_heartbeat(std::string_view json, const ModelLimits& limits);

struct InstanceCall {
  InstanceId id;
  Session session;
};
/// `{"id":"...","session":"..."}`; the session may be left out.
[[nodiscard]] Result<InstanceCall> decode_instance_call(std::string_view json, const ModelLimits& limits);

/// `{"ids":["...",...]}`
[[nodiscard]] Result<std::vector<std::string>> decode_heartbeats(std::string_view json, const ModelLimits& limits,
                                                                 std::size_t most);

struct MaintenanceBody {
  bool on = true;
  std::string reason;
};
/// `{"enabled":true,"reason":"..."}`
[[nodiscard]] Result<MaintenanceBody> decode_maintenance(std::string_view json, const ModelLimits& limits);

/// `{"text":"..."}`
[[nodiscard]] Result<std::string> decode_remark(std::string_view json, const ModelLimits& limits);

/// The `id` of each instance in an array that append_instance() wrote: the way from a view's bytes to its instances.
[[nodiscard]] Result<std::vector<std::string>> decode_instance_ids(std::string_view json);

}  // namespace rollcall::codec
