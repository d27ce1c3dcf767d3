#pragma once
// When a lease may end and when it must have, judged from what reached the daemon.
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "log_model.hpp"
#include "store/store.hpp"
#include "world.hpp"

namespace rollcall::sim {

class LeaseModel {
 public:
  explicit LeaseModel(World& world) : world_(world) {}

  /// An event has become durable.
  void follow(const Event& event, const InstancePtr& before);

  // ---- heartbeats, from the socket's buffer to their answer ----
  using BeatTicket = std::uint64_t;
  /// It lies in the daemon's socket buffer.
  BeatTicket arrived(const InstanceId& id, const Session& session);
  /// It was read, and needs no commit.
  void answered(BeatTicket beat, bool ok);
  /// It went the way of a registration: read, then answered after the commit that decided.
  void decided(BeatTicket beat, bool ok) { answered(beat, ok); }
  /// A registration was answered with success; it was read at `asked`.
  void renewed(const InstanceId& id, const Session& session, MonoTime asked);

  // ---- faults ----
  /// Nobody in the process ran for so long, up to now.
  void blind_for(Duration stall);
  /// Marks were to be saved, and may have been: until the next time, a restart promises nothing.
  void perhaps_saved() { marks_in_doubt_ = true; }
  void saved(std::chrono::milliseconds now, std::span<const LeaseMark> marks);
  void crashed();
  void restarted();
  /// The marks of the last save that succeeded were read no earlier than this.
  [[nodiscard]] MonoTime marks_read_after() const noexcept { return marks_read_after_; }

  /// For how long the instance can have been silent, if anything is known of it.
  [[nodiscard]] std::optional<Duration> silent_at_most(std::string_view id) const;

  /// Leases that should have ended by now.
  void check_overdue(const LogModel& log);

 private:
  struct Lease {
    InstanceNumber number;
    Session session;
    LeaseTerms terms;
    std::optional<MonoTime> heard;  ///< not expired before this plus ttl; unset: nothing is promised
    Duration blind_then{0};
    MonoTime touched{};  ///< expired soon after this plus ttl
    Duration excused_then{0};
    std::optional<MonoTime> lapsed;  ///< not removed before this plus deregister_after
    bool lapse_saved = false;        ///< marks were read and saved since
    bool marked = false;             ///< a mark of this incarnation was saved
  };
  struct Unanswered {
    InstanceId id;
    Session session;
    MonoTime at;
    Duration blind_then;
  };

  void touch(Lease& lease, MonoTime heard);
  void check_end(const Event& event, Lease& lease);
  void check_expiry(const Event& event, const Lease& lease, MonoTime judged);
  /// From its last sign of life to `at`, when the blindness so far was `blind`.
  [[nodiscard]] static Duration lived(const Lease& lease, MonoTime at, Duration blind) {
    return at - *lease.heard - (blind - lease.blind_then);
  }
  [[nodiscard]] Duration shortest_ttl() const;

  World& world_;
  std::map<std::string, Lease, std::less<>> leases_;
  std::map<BeatTicket, Unanswered> unanswered_;
  std::map<std::uint64_t, std::chrono::milliseconds> marks_;
  std::chrono::milliseconds saved_now_{0};
  MonoTime marks_read_after_{};
  MonoTime save_ended_{};      // of the last one that succeeded
  MonoTime saved_state_at_{};  // the same, but moved to the restart that went on from there
  bool marks_in_doubt_ = false;
  BeatTicket last_ticket_ = 0;
  Duration blind_{0};
};

}  // namespace rollcall::sim
