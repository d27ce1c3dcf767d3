#pragma once
#include <algorithm>
#include <vector>

#include "base/ids.hpp"

namespace rollcall {

/// Which revisions a handle wrote itself. As long as nobody else writes it is one range.
class RevisionRanges {
 public:
  /// `first` is newer than everything added before.
  void add(Revision first, Revision last) {
    if (!ranges_.empty() && ranges_.back().last.value + 1 == first.value) {
      ranges_.back().last = last;
    } else {
      ranges_.push_back({first, last});
    }
  }
  void forget_up_to(Revision revision) {
    std::erase_if(ranges_, [&](const Range& range) { return range.last <= revision; });
  }
  [[nodiscard]] bool contains(Revision revision) const {
    return std::ranges::any_of(ranges_,
                               [&](const Range& range) { return range.first <= revision && revision <= range.last; });
  }

 private:
  struct Range {
    Revision first, last;
  };
  std::vector<Range> ranges_;
};

}  // namespace rollcall
