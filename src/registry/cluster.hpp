#pragma once
// The nodes that share a log, as one of them sees them.
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/executor.hpp"
#include "base/limits.hpp"
#include "store/membership.hpp"

namespace rollcall {

/// What a registry that shares its log is given besides.
struct ClusterParts {
  Membership& membership;
  Executor& executor;  ///< a thread that may block in it, and isn't the Store's
  NodeCard card;
  std::vector<std::string> offices{};  ///< that this node stands for, the reaper's besides
  /// Any thread. Which of these it holds has changed.
  std::function<void(const std::vector<std::string>&)> offices_changed{};
};

struct ClusterView {
  struct Node {
    NodeCard card;
    Revision revision;       ///< up to which it had applied the log
    Duration silent_for{0};  ///< how long it has reported nothing, as far as this node could tell
    bool is_self = false, is_reaper = false;
  };
  std::vector<Node> nodes;
  std::vector<std::string> offices;  ///< that this node holds
  Revision revision;                 ///< of the log
  std::string trouble;               ///< why the last meeting didn't come about; empty: it did
};

}  // namespace rollcall
