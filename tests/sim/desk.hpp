#pragma once
// Where requests enter the daemons, as their HTTP routes and sockets do it; what they answer is held against the log.
#include <functional>
#include <map>

#include "log_model.hpp"
#include "process.hpp"

namespace rollcall::sim {

class Desk {
 public:
  using Reply = std::move_only_function<void(Result<Outcome>)>;

  Desk(World& world, LogModel& log, LeaseRules& leases) : world_(world), log_(log), leases_(leases) {}

  /// The node's process has ended: nobody there answers what waits.
  void close(Node& node);

  /// The request lies in the socket buffer of that I/O thread now. False: nobody listens. A reply may never come. A
  /// heartbeat that was taken, but isn't promised, is replied to with `timeout`: the client asks another node.
  bool deliver(Node& node, std::size_t thread, Command command, Reply reply);

  /// Heartbeats of many in one message, as a relay sends them: without sessions. Nobody waits for the answers.
  void deliver_beats(Node& node, std::size_t thread, std::vector<InstanceId> ids);

  /// Requests that should have been answered by now.
  void check_overdue();
  /// Everyone with a lease has a silence, and nobody's is longer than it was silent: where others share the log, once
  /// `all_told`.
  void check_silences(Node& node, bool all_told = false);
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
  [[nodiscard]] std::size_t waiting_at(const Node& node) const;

 private:
  struct Waiting {
    Node* node;
    Command command;
    MonoTime asked;
    Duration excused_then;
  };
  /// How the requests that carried one version of a spec fared.
  struct Fate {
    unsigned sent = 0, refused = 0;
  };

  using Tickets = std::vector<LeaseRules::BeatTicket>;

  void take_beat(Node& node, const Beat& beat, LeaseRules::BeatTicket ticket, Reply reply);
  void take_beats(Node& node, const std::vector<InstanceId>& ids, const Tickets& tickets);
  void beat_taken(Node& node, const Beat& beat, LeaseRules::BeatTicket ticket, BeatResult result, Reply reply);
  void beat_heard(Node& node, LeaseRules::BeatTicket ticket, Result<Outcome> outcome, bool in_time, Reply reply);
  void submit(Node& node, Command command, Reply reply);
  void answered(std::uint64_t serial, const Result<Outcome>& result);
  void check_in_time(Node& node, const Beat& beat, const std::optional<Registry::Silence>& before);
  void check_beat_ok(Node& node, const Beat& beat);
  void check_refusal(const Waiting& waiting, const Error& error);
  void check_conflict(const Waiting& waiting, const Error& error, bool as_it_was);
  void check_refused_stays_undone(const Register& command, ErrorCode code);
  void check_success(const Waiting& waiting, const Outcome& outcome);
  void check_unchanged(const Waiting& waiting, const Outcome& outcome);
  void check_registered(const Waiting& waiting, const Register& wanted, const Outcome& outcome);

  World& world_;
  LogModel& log_;
  LeaseRules& leases_;
  std::map<std::uint64_t, Waiting> waiting_;
  std::map<std::string, Fate> fates_;
  std::uint64_t last_serial_ = 0;
};

/// For the trace.
[[nodiscard]] std::string describe(const Command& command);
[[nodiscard]] InstanceId id_of_command(const Command& command);

}  // namespace rollcall::sim
