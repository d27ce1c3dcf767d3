#pragma once
// Figures that somebody waits for, of tasks on other nodes: asked of their agents with the answers to their reports.
#include <functional>
#include <list>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace rollcall::docker {

/// Not for several threads.
class SampleOrders {
 public:
  /// Whether any of the figures came.
  using Done = std::move_only_function<void(bool)>;
  struct Task {
    std::string id, node;
  };

  /// `done` is called when each of the tasks has been settled, or by end_overdue() once it is later than `until`.
  void add(const std::vector<Task>& tasks, MonoTime until, Done done);
  /// What the agent of a node is to be asked for and hasn't been.
  [[nodiscard]] std::vector<std::string> take(const std::string& node);
  /// There are new figures of the task, or there will be none. Of one that its agent wasn't asked for yet nothing
  /// changes.
  void settle(const std::string& task, bool sampled);
  void end_overdue(MonoTime now);

 private:
  struct Order {
    std::set<std::string> awaited;
    MonoTime until;
    Done done;
    bool any = false;
  };
  [[nodiscard]] bool is_untold(const std::string& task) const;

  std::list<Order> orders_;
  std::map<std::string, std::set<std::string>> untold_;  // by node
};

}  // namespace rollcall::docker
