#pragma once
// The registry's nouns as plain values. No behaviour beyond validation (model/validate.hpp).
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/rare.hpp"
#include "model/declaration.hpp"

namespace rollcall {

enum class Status : std::uint8_t { passing, warning, critical, maintenance };

/// Who says so. Records stay per source, and no source alters another's.
enum class Source : std::uint8_t { api, socket, swarm, probe, docker };

[[nodiscard]] std::string_view name_of(Status status) noexcept;
[[nodiscard]] std::string_view name_of(Source source) noexcept;
[[nodiscard]] std::optional<Status> status_from(std::string_view name) noexcept;
[[nodiscard]] std::optional<Source> source_from(std::string_view name) noexcept;

/// How long an instance lives without a heartbeat, and what happens at the end.
struct LeaseTerms {
  std::chrono::milliseconds ttl{30'000};
  std::chrono::milliseconds deregister_after{0};  ///< from critical to removed; 0: removed at expiry
  friend bool operator==(const LeaseTerms&, const LeaseTerms&) = default;
};

/// A check that the daemon runs for an instance that asked for it.
struct CheckSpec {
  enum class Kind : std::uint8_t { tcp, http };
  Kind kind = Kind::tcp;
  std::string target;  ///< tcp: "ADDRESS:PORT"; http: "http://ADDRESS[:PORT]/PATH"
  std::chrono::milliseconds interval{10'000};
  std::chrono::milliseconds timeout{5'000};
  friend bool operator==(const CheckSpec&, const CheckSpec&) = default;
};

/// Sorted by key, keys unique.
using Metadata = std::vector<std::pair<std::string, std::string>>;

/// What a writer says of an instance; what a renewal is compared with.
struct InstanceSpec {
  ServiceName service;
  std::string address;     ///< IP address or host name, without port
  std::uint16_t port = 0;  ///< 0: none
  std::uint32_t weight = 1;
  std::vector<std::string> tags;  ///< in the writer's order, unique
  Metadata metadata;
  std::optional<LeaseTerms> lease;  ///< none: lives until its source removes it
  Rare<CheckSpec> check;
  Rare<Declaration> declares{};  ///< the record says something of its service, and is no instance of it
  friend bool operator==(const InstanceSpec&, const InstanceSpec&) = default;
};

/// A session that has been replaced: its delayed requests are refused for a while.
struct RetiredSession {
  Session session;
  WallTime at;
  friend bool operator==(const RetiredSession&, const RetiredSession&) = default;
};

/// One reachable thing, as one event left it. Immutable once shared.
struct Instance {
  InstanceId id;
  InstanceSpec spec;
  Session session;
  Source source = Source::api;
  Status health = Status::passing;  ///< never `maintenance`: that hides health, it doesn't replace it
  Rare<std::string> maintenance;    ///< the reason, while in maintenance
  bool lapsed = false;              ///< critical because its lease ran out: a heartbeat mends it, a check does not
  std::string status_reason;        ///< why it is not passing; empty while it is
  WallTime status_since;
  WallTime registered_at;  ///< of this incarnation
  Incarnation incarnation{1};
  std::vector<RetiredSession> retired;  ///< newest last, at most ModelLimits::retired_sessions
  InstanceNumber number;                ///< given by the Store with the first event
  Revision created;                     ///< of this incarnation's first event
  Revision modified;                    ///< of the event that left it so

  [[nodiscard]] Status status() const noexcept { return maintenance ? Status::maintenance : health; }
};

using InstancePtr = std::shared_ptr<const Instance>;

}  // namespace rollcall
