#include "registry/write_batch.hpp"

#include <algorithm>
#include <utility>

namespace rollcall {
namespace {

constexpr unsigned kAttempts = 5;

bool is_beat(const Request& request) {
  return std::holds_alternative<Register>(request) || std::holds_alternative<Beat>(request);
}

EventPtr event_at(const std::vector<EventPtr>& events, Revision revision) {
  const auto found = std::ranges::lower_bound(events, revision, {}, [](const EventPtr& e) { return e->revision; });
  return found != events.end() && (*found)->revision == revision ? *found : nullptr;
}

}  // namespace

InstancePtr WriteBatch::plan(Pending pending) {
  const Planned& planned = add({std::move(pending), std::nullopt, Decision{}});
  return planned.decision && is_beat(planned.pending.request) ? planned.decision->unchanged : nullptr;
}

void WriteBatch::plan(Reaper::Verdict verdict) {
  add({Pending{verdict.request, nullptr}, std::move(verdict), Decision{}});
}

const WriteBatch::Planned& WriteBatch::add(Planned planned) {
  const Request& request = planned.pending.request;
  const InstanceId& id = id_of(request);
  planned.decision = decide(request, known(id, planned.base), now_, limits_);
  if (planned.decision && planned.decision->change) {
    planned.change = changes_.changes.size();
    if (planned.verdict) planned.decision->change->term = planned.verdict->term;
    changes_.changes.push_back(std::move(*planned.decision->change));
    latest_[id.str()] = planned.change;
  }
  return planned_.emplace_back(std::move(planned));
}

std::optional<Known> WriteBatch::known(const InstanceId& id, std::size_t& base) const {
  const auto own = latest_.find(id.str());
  if (own == latest_.end()) return catalog_.known(id.view());
  base = own->second;
  const Change& change = changes_.changes[base];
  return Known{std::make_shared<const Instance>(change.instance), change.kind == EventKind::removed, change.at};
}

void WriteBatch::answer(Planned& planned, Result<Outcome> outcome) {
  if (planned.pending.done) std::exchange(planned.pending.done, nullptr)(std::move(outcome));
}

/// `base`: the event of the change of this batch that it was judged against, if it was; it shows the instance with the
/// revision that the commit gave.
void WriteBatch::answer_unchanged(Planned& planned, const EventPtr& base) {
  if (!planned.decision) return answer(planned, std::unexpected(planned.decision.error()));
  const auto& instance = base ? base->instance : planned.decision->unchanged;
  answer(planned, Outcome{instance->modified, instance});
}

void WriteBatch::answer_early(const Error& why, LeaseTime came_by) {
  for (auto& planned : planned_) {
    if (planned.verdict || planned.answered || planned.pending.arrived > came_by) continue;
    planned.answered = true;
    if (is_doubtful(planned)) {
      answer(planned, std::unexpected(why));
    } else {
      answer_failed(planned, why);
    }
  }
}

void WriteBatch::try_again(Planned& planned, const Followers& followers) {
  if (planned.verdict) return followers.undone(*planned.verdict);
  if (planned.answered) return;
  if (++planned.pending.attempts < kAttempts) return followers.try_again(std::move(planned.pending));
  answer(planned, fail(ErrorCode::overloaded, "other writers keep changing this instance; try again"));
}

/// Judged by the catalog alone, and what a client is told by it is more than that somebody lives.
bool WriteBatch::is_doubtful(const Planned& planned) {
  if (planned.pending.checked || planned.verdict || planned.change != kNoChange || planned.base != kNoChange) {
    return false;
  }
  if (!planned.decision) {
    const auto code = planned.decision.error().code;
    return code == ErrorCode::not_found || code == ErrorCode::conflict;
  }
  const Request& request = planned.pending.request;
  return std::holds_alternative<Register>(request) || std::holds_alternative<SetMaintenance>(request);
}

void WriteBatch::settle(const CommitResult& result, const Followers& followers) {
  for (auto& planned : planned_) {
    const bool unchanged = planned.change == kNoChange;
    const std::size_t rests_on = unchanged ? planned.base : planned.change;
    if (followers.doubtful && is_doubtful(planned)) {
      followers.doubtful(std::move(planned.pending));
      continue;
    }
    if (rests_on != kNoChange && !result.outcomes[rests_on]) {
      try_again(planned, followers);
      continue;
    }
    const auto event = rests_on == kNoChange ? nullptr : event_at(result.events, *result.outcomes[rests_on]);
    if (unchanged) {
      if (planned.verdict) followers.undone(*planned.verdict);
      answer_unchanged(planned, event);
    } else {
      answer(planned, Outcome{event->revision, event->instance, planned.decision->created, true});
    }
  }
}

void WriteBatch::give_back(const Followers& followers) {
  for (auto& planned : planned_) try_again(planned, followers);
}

void WriteBatch::settle(const Error& failure, const Followers& followers) {
  for (auto& planned : planned_) {
    if (planned.verdict) followers.undone(*planned.verdict);
    if (followers.doubtful && is_doubtful(planned)) {
      followers.doubtful(std::move(planned.pending));
    } else {
      answer_failed(planned, failure);
    }
  }
}

/// Who asked for nothing new gets an answer all the same.
void WriteBatch::answer_failed(Planned& planned, const Error& failure) {
  if (planned.change == kNoChange && planned.base == kNoChange) {
    answer_unchanged(planned, nullptr);
  } else {
    answer(planned, std::unexpected(failure));
  }
}

}  // namespace rollcall
