#pragma once
// The newest events, and who waits for which. Private to this folder.
#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "catalog/published.hpp"

namespace rollcall {

/// Every method may be called from any thread; add() and start_over() only by the one that applies.
class WatchHub {
 public:
  /// One who follows. Guarded by the hub's mutex while it is enrolled; stays where it is as long.
  struct Follower {
    std::optional<ServiceName> service;
    Revision after;
    std::uint64_t epoch = 0;
    std::function<void()> wake;
    bool armed = true;
    boost::intrusive::list_member_hook<> place = {};
  };

  /// An event together with its service's last one before it, if the catalog knows of one.
  struct Step {
    NoticePtr notice;
    std::optional<Revision> service_before;
  };

  explicit WatchHub(std::size_t most) : most_(most > 0 ? most : 1) {}

  /// `slots` tells the revision of the service's last event.
  void enroll(Follower& follower, const SlotTable& slots);
  void leave(Follower& follower);
  [[nodiscard]] Result<std::vector<NoticePtr>> next(Follower& follower, std::size_t limit);
  [[nodiscard]] std::size_t behind(const Follower& follower);

  /// After the views show the events: who is woken reads them next.
  void add(std::span<const Step> steps);

  /// The log goes on behind `revision`; what lies between the newest event here and it will never come.
  void start_over(Revision revision, bool other_generation);

 private:
  /// In the order in which they enrolled: what they do when woken must not depend on where they lie in memory.
  using Followers = boost::intrusive::list<
      Follower, boost::intrusive::member_hook<Follower, boost::intrusive::list_member_hook<>, &Follower::place>,
      boost::intrusive::constant_time_size<false>>;

  /// Events that one kind of follower wants: those of one service, or all.
  struct Topic {
    std::deque<NoticePtr> notices;
    Revision floor;  ///< every event of the topic after it is in `notices`
    Followers followers;
  };

  Topic& topic_of(const Follower& follower);
  static std::deque<NoticePtr>::const_iterator first_after(const Topic& topic, Revision after);
  void evict_oldest();
  static void wake_armed(Topic& topic);
  void drop_if_idle(std::string_view service);

  const std::size_t most_;
  std::mutex mutex_;
  // Guarded by mutex_:
  Topic all_;
  boost::unordered_flat_map<std::string, std::unique_ptr<Topic>, NameHash, std::equal_to<>> topics_;
  std::uint64_t epoch_ = 1;
};

}  // namespace rollcall
