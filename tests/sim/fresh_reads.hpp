#pragma once
// Readers who ask one of several nodes for everything that the log holds now, and how far behind it is.
#include <deque>
#include <map>

#include "log_model.hpp"
#include "node.hpp"

namespace rollcall::sim {

class FreshReads {
 public:
  FreshReads(World& world, const LogModel& log) : world_(world), log_(log) {}

  void ask(Node& node);
  void close(Node& node);
  /// Those that should have been answered by now, and what a node says of its lag.
  void check(Node& node);

 private:
  struct Asked {
    Node* node;
    Revision log;
    MonoTime at;
    Duration excused_then;
  };
  void answered(std::uint64_t serial, const Result<void>& result);

  World& world_;
  const LogModel& log_;
  std::map<std::uint64_t, Asked> asked_;
  std::uint64_t last_serial_ = 0;
};

}  // namespace rollcall::sim
