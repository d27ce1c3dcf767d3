#pragma once
// When a lease may end and when it must have where one process is alone, judged from what reached it.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lease_rules.hpp"

namespace rollcall::sim {

class LeaseModel final : public LeaseRules {
 public:
  explicit LeaseModel(World& world) : world_(world) {}

  void follow(const Event& event, const InstancePtr& before) override;
  BeatTicket arrived(Node& at, const InstanceId& id, const Session& session) override;
  void undecided(BeatTicket) override {}
  void answered(BeatTicket beat, Heard heard) override;
  void renewed(const InstanceId& id, const Session& session, MonoTime asked, Heard heard) override;
  void blind_for(Duration stall) override;
  /// Until the next time, a restart promises nothing.
  void perhaps_saved() override { marks_in_doubt_ = true; }
  void saved(const LeaseMarks& marks) override;
  void crashed(Node& node) override;
  void restarted(Node& node) override;
  void told(std::string_view, MonoTime) override {}
  void began_alone(const Node&) override {}
  [[nodiscard]] std::optional<Duration> silent_at_most(std::string_view id) const override;
  void check_overdue(const LogModel& log) override;

  /// The marks of the last save that succeeded were read no earlier than this.
  [[nodiscard]] MonoTime marks_read_after() const noexcept { return marks_read_after_; }

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
