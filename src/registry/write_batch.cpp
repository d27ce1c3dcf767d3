#include "registry/write_batch.hpp"

#include <algorithm>

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

void WriteBatch::plan(Pending pending) {
  Planned planned{std::move(pending), std::nullopt, Decision{}};
  add(std::move(planned));
}

void WriteBatch::plan(Reaper::Verdict verdict) {
  Planned planned{Pending{verdict.request, nullptr}, std::move(verdict), Decision{}};
  add(std::move(planned));
}

void WriteBatch::add(Planned planned) {
  const Request& request = planned.pending.request;
  const InstanceId& id = id_of(request);
  planned.decision = decide(request, known(id, planned.on_batch), now_, limits_);
  if (planned.decision && planned.decision->change) {
    planned.change = changes_.changes.size();
    changes_.changes.push_back(std::move(*planned.decision->change));
    latest_[id.str()] = planned.change;
  }
  planned_.push_back(std::move(planned));
}

std::optional<Known> WriteBatch::known(const InstanceId& id, bool& on_batch) const {
  const auto own = latest_.find(id.str());
  if (own == latest_.end()) return catalog_.known(id.view());
  on_batch = true;
  const Change& change = changes_.changes[own->second];
  return Known{std::make_shared<const Instance>(change.instance), change.kind == EventKind::removed, change.at};
}

void WriteBatch::answer(Planned& planned, Result<Outcome> outcome) {
  if (planned.pending.done) planned.pending.done(std::move(outcome));
}

void WriteBatch::answer_unchanged(Planned& planned, const Followers& followers) {
  if (!planned.decision) return answer(planned, std::unexpected(planned.decision.error()));
  if (is_beat(planned.pending.request)) {
    followers.renewed(planned.decision->unchanged->id, planned.pending.arrived);
  }
  // Judged against a change of this batch, it had to wait; the instance now has the revision that the commit gave.
  auto instance = catalog_.find_instance(planned.decision->unchanged->id.view());
  if (!instance) instance = planned.decision->unchanged;
  answer(planned, Outcome{instance->modified, instance});
}

void WriteBatch::settle(const CommitResult& result, const Followers& followers) {
  for (auto& planned : planned_) {
    if (planned.change == kNoChange) {
      if (planned.verdict) followers.undone(*planned.verdict);
      answer_unchanged(planned, followers);
      continue;
    }
    const auto& outcome = result.outcomes[planned.change];
    if (outcome) {
      const auto event = event_at(result.events, *outcome);
      answer(planned, Outcome{*outcome, event->instance, planned.decision->created, true});
    } else if (planned.verdict) {
      followers.undone(*planned.verdict);
    } else if (++planned.pending.attempts < kAttempts) {
      followers.try_again(std::move(planned.pending));
    } else {
      answer(planned, fail(ErrorCode::overloaded, "other writers keep changing this instance; try again"));
    }
  }
}

void WriteBatch::settle(const Error& failure, const Followers& followers) {
  for (auto& planned : planned_) {
    if (planned.verdict) followers.undone(*planned.verdict);
    if (planned.change == kNoChange && !planned.on_batch) {
      answer_unchanged(planned, followers);
    } else {
      answer(planned, std::unexpected(failure));
    }
  }
}

}  // namespace rollcall
