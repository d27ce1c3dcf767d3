#include "scheduler.hpp"

#include <algorithm>
#include <utility>

namespace rollcall::sim {

void Scheduler::at(MonoTime when, Task task) {
  heap_.push_back({std::max(when, now()), next_sequence_++, std::move(task)});
  std::ranges::push_heap(heap_, Later{});
}

bool Scheduler::run_one(MonoTime limit) {
  if (heap_.empty() || heap_.front().when > limit) {
    now_ = std::max(now_, limit);
    return false;
  }
  std::ranges::pop_heap(heap_, Later{});
  Event event = std::move(heap_.back());
  heap_.pop_back();
  now_ = std::max(now_, event.when);
  ++events_run_;
  event.task();
  spent_ = Duration{0};
  return true;
}

}  // namespace rollcall::sim
