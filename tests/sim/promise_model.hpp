#pragma once
// When a lease may end and when it must have where several processes share the log, judged from what clients were
// promised: who has had a promise in every ttl, at whichever node, lives.
#include <map>
#include <string>

#include "lease_rules.hpp"

namespace rollcall::sim {

class PromiseModel final : public LeaseRules {
 public:
  explicit PromiseModel(World& world) : world_(world) {}

  void follow(const Event& event, const InstancePtr& before) override;
  BeatTicket arrived(Node& at, const InstanceId& id, const Session& session) override;
  void undecided(BeatTicket beat) override;
  void answered(BeatTicket beat, Heard heard) override;
  void renewed(const InstanceId& id, const Session& session, MonoTime asked, Heard heard) override;
  void blind_for(Duration) override {}
  void perhaps_saved() override {}
  void saved(const LeaseMarks&) override { saved_at_ = world_.now(); }
  void crashed(Node& node) override;
  void restarted(Node& node) override;
  void told(std::string_view digest, MonoTime collected) override;
  void began_alone(const Node& node) override;
  [[nodiscard]] std::optional<Duration> silent_at_most(std::string_view id) const override;
  void check_overdue(const LogModel& log) override;

 private:
  struct Lease {
    Session session;
    Incarnation incarnation;
    LeaseTerms terms;
    /// Not expired before this plus ttl. Unset once a ttl has passed without a promise: it may have been judged, until
    /// an event shows that it wasn't.
    std::optional<MonoTime> promised;
    MonoTime touched{};  ///< expired soon after this plus ttl
    Duration excused_then{0};
    std::optional<MonoTime> lapsed;  ///< not removed before this plus deregister_after; unset: no promise
    bool has_lapsed = false;
    /// What a process that starts alone can know: of the newest beat of this life that was told.
    struct Told {
      MonoTime collected;
      Duration age;
      [[nodiscard]] MonoTime beat() const { return collected - age; }
    };
    std::optional<Told> told;
  };
  struct Beat {
    Node* at;
    InstanceId id;
    Session session;
    MonoTime arrived;
    bool unread = true;
  };

  void touch(Lease& lease) const;
  /// From a start on, of what was told up to then.
  [[nodiscard]] Duration silence_restored(const Lease::Told& told) const;
  void check_end(const Event& event, const Lease& lease);
  void check_expiry(const Event& event, const Lease& lease);
  /// Who says no session may be heard at a node that knows of an earlier life alone.
  [[nodiscard]] static bool is_of_this_life(const Beat& beat, const Lease& lease);
  [[nodiscard]] bool should_have_counted(const Beat& beat, const Event& event, const Lease& lease) const;

  World& world_;
  std::map<std::string, Lease, std::less<>> leases_;
  std::map<BeatTicket, Beat> beats_;
  std::map<InstanceNumber, std::string> ids_;
  MonoTime saved_at_{};  ///< when marks were last saved
  BeatTicket last_ticket_ = 0;
};

}  // namespace rollcall::sim
