#pragma once
// Those who own instances: they register, beat, change their minds, fall silent, and send old requests again.
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "desk.hpp"
#include "world.hpp"

namespace rollcall::sim {

class Owners {
 public:
  Owners(World& world, Desk& desk, std::deque<Node>& nodes);

  /// One of them does something.
  void act();
  /// An event has become durable.
  void follow(const Event& event);
  /// What lay unread in the sockets is lost with the process: beats that it had promised to count may be among it.
  /// Until each one's next registration, asked for after this: an answer that is under way now speaks of what is lost.
  void excuse_beats_until_next();
  /// The run ends: the reliable go on beating, the others fall silent.
  void settle();
  void check_settled(const LogModel& log);

  /// Requests and heartbeats sent.
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

 private:
  struct Owner {
    InstanceId id;
    InstanceSpec spec;
    Session session;
    bool reliable = false;  ///< beats in every third of its ttl, over a network that loses nothing
    bool wanted = false;    ///< wants to be registered
    bool registered = false;
    bool steady = false;  ///< reliable since it was registered
    double pace = 0.3;    ///< mean time between beats, in ttls; 0: silent
    std::size_t thread = 0;
    std::size_t home = 0;             ///< the node that it asks first
    std::uint64_t beats = 0;          ///< that it has sent
    std::uint64_t answered_beat = 0;  ///< the last of them that it knows about
    std::uint64_t life = 0;           ///< what is scheduled for an earlier life does nothing
    std::uint64_t request = 0;        ///< the registration that is under way
    unsigned sessions = 0, versions = 0;
    std::deque<Command> sent;  ///< to be sent again, late
  };

  void begin(Owner& owner);
  void new_session(Owner& owner);
  void update(Owner& owner);
  void deregister(Owner& owner);
  void set_maintenance(Owner& owner);
  void send_old(Owner& owner);
  void meddle(Owner& owner);
  void change_pace(Owner& owner);
  void relay_beats();

  void mark_version(Owner& owner);
  void register_now(Owner& owner);
  /// When a registration was sent, and how often all had been excused by then.
  struct Asked {
    MonoTime at;
    std::uint64_t times_excused;
  };
  void registration_answered(Owner& owner, const Asked& asked, const Result<Outcome>& result);
  [[nodiscard]] bool is_steady_after(const Owner& owner, const Asked& asked, const Outcome& outcome) const;
  void retry_later(Owner& owner, Duration delay);
  void schedule_beat(Owner& owner, Duration delay);
  void beat(Owner& owner);
  void beat_answered(Owner& owner, const Result<Outcome>& result);
  /// Another node may promise what this one doesn't.
  void beat_elsewhere(Owner& owner, Duration delay);
  void beat_elsewhere_unless_answered(Owner& owner);
  [[nodiscard]] Node& node_for(const Owner& owner);
  [[nodiscard]] Node& any_node();
  [[nodiscard]] bool has_choice() const noexcept { return nodes_.size() > 1; }
  [[nodiscard]] Duration beat_interval(const Owner& owner);

  void send(Owner& owner, Command command, bool reliably, Desk::Reply reply);
  void send_copy(const Command& command, Duration delay);

  World& world_;
  Desk& desk_;
  std::deque<Node>& nodes_;
  SimRandom random_;
  std::vector<Owner> owners_;
  std::uint64_t sent_ = 0;
  std::uint64_t last_request_ = 0;
  std::uint64_t times_excused_ = 0;
};

}  // namespace rollcall::sim
