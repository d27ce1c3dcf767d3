#pragma once
// Where requests enter the daemon, as its HTTP routes and its socket do it; what it answers is held against the log.
#include <functional>
#include <map>

#include "lease_model.hpp"
#include "log_model.hpp"
#include "process.hpp"

namespace rollcall::sim {

class Desk {
 public:
  using Reply = std::move_only_function<void(Result<Outcome>)>;

  Desk(World& world, LogModel& log, LeaseModel& leases) : world_(world), log_(log), leases_(leases) {}

  void open(Process& process) { process_ = &process; }
  void close();

  /// The request lies in the socket buffer of that I/O thread now. False: nobody listens. A reply may never come.
  bool deliver(std::size_t thread, Command command, Reply reply);

  /// Heartbeats of many in one message, as a relay sends them: without sessions. Nobody waits for the answers.
  void deliver_beats(std::size_t thread, std::vector<InstanceId> ids);

  /// Requests that should have been answered by now.
  void check_overdue();
  /// Everyone with a lease has a silence, and nobody's is longer than it was silent.
  void check_silences();
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }

 private:
  struct Waiting {
    Command command;
    MonoTime asked;
    Duration excused_then;
  };
  /// How the requests that carried one version of a spec fared.
  struct Fate {
    unsigned sent = 0, refused = 0;
  };

  void take_beat(const Beat& beat, LeaseModel::BeatTicket ticket, Reply reply);
  void take_beats(const std::vector<InstanceId>& ids, const std::vector<LeaseModel::BeatTicket>& tickets);
  void beat_taken(const Beat& beat, LeaseModel::BeatTicket ticket, BeatResult result, Reply reply);
  void submit(Command command, Reply reply);
  void answered(std::uint64_t serial, const Result<Outcome>& result);
  void check_beat_ok(const Beat& beat);
  void check_refusal(const Waiting& waiting, const Error& error);
  void check_refused_stays_undone(const Register& command, ErrorCode code);
  void check_success(const Waiting& waiting, const Outcome& outcome);
  void check_registered(const Waiting& waiting, const Register& wanted, const Outcome& outcome);

  World& world_;
  LogModel& log_;
  LeaseModel& leases_;
  Process* process_ = nullptr;
  std::map<std::uint64_t, Waiting> waiting_;
  std::map<std::string, Fate> fates_;
  std::uint64_t last_serial_ = 0;
};

/// For the trace.
[[nodiscard]] std::string describe(const Command& command);
[[nodiscard]] InstanceId id_of_command(const Command& command);

}  // namespace rollcall::sim
