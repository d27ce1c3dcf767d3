#pragma once
// Those who follow the log: each may miss nothing, or is told that it did.
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "log_model.hpp"
#include "process.hpp"
#include "world.hpp"

namespace rollcall::sim {

class Watchers {
 public:
  Watchers(World& world, const LogModel& log, std::deque<Node>& nodes);

  /// A process serves: those who watch nowhere go on there from where they were.
  void connect(Node& node);
  /// Those who watched there go on at another node, if there is one.
  void disconnect(Node& node);
  /// One of them breaks off, and goes on from where it was.
  void act();

  /// Those that were behind when last asked, and still are.
  void check_awake();
  void check_settled();

 private:
  struct Follower {
    std::optional<ServiceName> service;
    Revision cursor;       ///< it knows all up to here
    Node* node = nullptr;  ///< where it watches; null: nowhere
    std::unique_ptr<Watcher> watcher;
    std::size_t thread = 0;
    std::size_t page = 1;
    std::uint64_t life = 0;
    Revision behind_at;  ///< its cursor when it was last seen behind; 0: it wasn't
    Duration excused_then{0};
    MonoTime behind_since{};
  };

  void follow(Follower& follower, Node& node);
  /// Null: nobody serves.
  [[nodiscard]] Node* any_node();
  void read_on(Follower& follower);
  void check_page(Follower& follower, const std::vector<NoticePtr>& notices);
  void start_over(Follower& follower);
  [[nodiscard]] EventPtr missing(const Follower& follower) const;
  [[nodiscard]] std::string_view service_of(const Follower& follower) const {
    return follower.service ? follower.service->view() : std::string_view{};
  }

  World& world_;
  const LogModel& log_;
  std::deque<Node>& nodes_;
  SimRandom random_;
  std::vector<Follower> followers_;
};

}  // namespace rollcall::sim
