#pragma once
// When to look at which lease next. Heartbeats don't touch it: a lease is looked at when it would have run out, and put
// back if it was heard of meanwhile.
#include <cstdint>
#include <map>
#include <vector>

#include "registry/lease_table.hpp"

namespace rollcall {

class DueList {
 public:
  /// Looks at `handle` at `when`, or earlier if it was already to be looked at earlier.
  void add(LeaseTable::Handle handle, LeaseTime when);

  /// Handles due by `now`, at most `limit`; each is forgotten until it is added again.
  [[nodiscard]] std::vector<LeaseTable::Handle> take(LeaseTime now, std::size_t limit);

 private:
  static constexpr LeaseTime kBucket = std::chrono::milliseconds{20};
  static constexpr LeaseTime kNever = LeaseTime::max();

  std::map<std::int64_t, std::vector<LeaseTable::Handle>> buckets_;
  struct Planned {
    std::uint32_t serial = 0;
    LeaseTime when = kNever;
  };
  std::vector<Planned> planned_;  // by slot: entries in buckets_ that don't match are outdated
};

}  // namespace rollcall
