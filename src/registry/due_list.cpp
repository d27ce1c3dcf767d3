#include "registry/due_list.hpp"

namespace rollcall {

void DueList::add(LeaseTable::Handle handle, LeaseTime when) {
  if (planned_.size() <= handle.slot) planned_.resize(handle.slot + 1);
  Planned& planned = planned_[handle.slot];
  if (planned.serial == handle.serial && planned.when <= when) return;
  planned = {handle.serial, when};
  // Rounded up, so that a lease isn't looked at just before it runs out.
  buckets_[when / kBucket + 1].push_back(handle);
}

std::vector<LeaseTable::Handle> DueList::take(LeaseTime now, std::size_t limit) {
  std::vector<LeaseTable::Handle> due;
  while (!buckets_.empty() && buckets_.begin()->first <= now / kBucket && due.size() < limit) {
    const auto first = buckets_.begin();
    auto& handles = first->second;
    while (!handles.empty() && due.size() < limit) {
      const auto handle = handles.back();
      handles.pop_back();
      Planned& planned = planned_[handle.slot];
      if (planned.serial != handle.serial || planned.when / kBucket + 1 != first->first) continue;
      planned.when = kNever;
      due.push_back(handle);
    }
    if (handles.empty()) buckets_.erase(first);
  }
  return due;
}

}  // namespace rollcall
