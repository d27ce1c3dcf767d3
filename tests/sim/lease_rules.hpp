#pragma once
// When a lease may end and when it must have, as the models of one process and of several say it.
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "log_model.hpp"
#include "node.hpp"
#include "store/store.hpp"

namespace rollcall::sim {

/// What a client knows of its heartbeat.
enum class Heard : std::uint8_t {
  no,
  perhaps,  ///< taken, but the other nodes may have gone on without it
  promised,
};

class LeaseRules {
 public:
  virtual ~LeaseRules() = default;

  /// An event has become durable.
  virtual void follow(const Event& event, const InstancePtr& before) = 0;

  // ---- heartbeats, from the socket's buffer to their answer ----
  using BeatTicket = std::uint64_t;
  /// It lies in the daemon's socket buffer.
  virtual BeatTicket arrived(Node& at, const InstanceId& id, const Session& session) = 0;
  /// It was read, and waits for a commit or for the log.
  virtual void undecided(BeatTicket beat) = 0;
  virtual void answered(BeatTicket beat, Heard heard) = 0;
  /// A registration was answered with success; it was read at `asked`.
  virtual void renewed(const InstanceId& id, const Session& session, MonoTime asked, Heard heard) = 0;

  // ---- faults ----
  /// Nobody in the process ran for so long, up to now.
  virtual void blind_for(Duration stall) = 0;
  /// Marks were to be saved, and may have been.
  virtual void perhaps_saved() = 0;
  virtual void saved(const LeaseMarks& marks) = 0;
  virtual void crashed(Node& node) = 0;
  virtual void restarted(Node& node) = 0;
  /// The log has taken a digest of what was heard before `collected`.
  virtual void told(std::string_view digest, MonoTime collected) = 0;
  /// A node became the only one that shares the log.
  virtual void began_alone(const Node& node) = 0;

  /// For how long the instance can have been silent, if anything is known of it.
  [[nodiscard]] virtual std::optional<Duration> silent_at_most(std::string_view id) const = 0;

  /// Leases that should have ended by now.
  virtual void check_overdue(const LogModel& log) = 0;
};

}  // namespace rollcall::sim
