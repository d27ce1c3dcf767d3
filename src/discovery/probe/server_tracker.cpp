#include "discovery/probe/server_tracker.hpp"

#include <fmt/format.h>

#include <utility>

namespace rollcall::probe {

ServerTracker::ServerTracker(TrackerRules rules, std::string evidence, MonoTime now)
    : ServerTracker(rules, Status::passing, std::move(evidence), now, Duration{0}) {}

ServerTracker::ServerTracker(TrackerRules rules, Status health, std::string evidence, MonoTime now, Duration unseen_for)
    : rules_(rules), health_(health), evidence_(std::move(evidence)), last_seen_(now - unseen_for) {}

ServerTracker::Step ServerTracker::observe(const Observation& observation) {
  switch (observation.outcome) {
    case Outcome::answered:
      return came_back(observation);
    case Outcome::no_evidence:
      return Step::unchanged;
    case Outcome::refused:
    case Outcome::silent:
    case Outcome::foreign:
      return failed(observation);
  }
  return Step::unchanged;
}

ServerTracker::Step ServerTracker::came_back(const Observation& observation) {
  last_seen_ = observation.at;
  failures_ = 0;
  if (std::exchange(was_refused_, false)) {
    ++restarts_;  // nobody listened in between
    process_start_.reset();
  }
  if (online()) return Step::unchanged;
  health_ = Status::passing;
  evidence_ = observation.evidence;
  return Step::changed;
}

ServerTracker::Step ServerTracker::failed(const Observation& observation) {
  ++failures_;
  if (observation.outcome == Outcome::refused) was_refused_ = true;
  if (!online()) return observation.at - last_seen_ >= rules_.remove_after ? Step::gone : Step::unchanged;
  if (observation.outcome == Outcome::refused) return go_offline(observation.evidence);
  if (failures_ < rules_.failures_before_offline) return Step::unchanged;
  return go_offline(failures_ == 1 ? observation.evidence
                                   : fmt::format("{}, {} checks in a row", observation.evidence, failures_));
}

ServerTracker::Step ServerTracker::go_offline(std::string evidence) {
  health_ = Status::critical;
  evidence_ = std::move(evidence);
  return Step::changed;
}

void ServerTracker::saw_process(std::uint64_t start_time) {
  if (process_start_ && *process_start_ != start_time) ++restarts_;
  process_start_ = start_time;
}

}  // namespace rollcall::probe
