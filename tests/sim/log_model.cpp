#include "log_model.hpp"

#include <algorithm>

namespace rollcall::sim {
namespace {

bool same_but_for_status(const Instance& a, const Instance& b) {
  return a.spec == b.spec && a.session == b.session && a.source == b.source && a.incarnation == b.incarnation;
}

}  // namespace

std::string version_of(const InstanceSpec& spec) {
  for (const auto& [key, value] : spec.metadata) {
    if (key == kVersionKey) return value;
  }
  return {};
}

void LogModel::absorb(std::span<const EventPtr> events) {
  for (const auto& event : events) {
    const Instance& instance = *event->instance;
    const InstancePtr before = living(instance.id.view());
    world_.note("durable {} {} {} session {} {} {} ({}: {})", event->revision.value, name_of(event->kind),
                instance.id.view(), instance.session.view(), name_of(instance.status()), version_of(instance.spec),
                event->cause.writer, event->cause.evidence);
    check_order(*event, before);
    check_step(*event, before);
    if (listener_) listener_(*event, before);
    fold(event, before);
  }
}

void LogModel::check_order(const Event& event, const InstancePtr& before) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 53;
  const Instance& instance = *event.instance;
  auto& verdict = world_.verdict;
  if (event.revision <= last() || event.revision.value >= kMost) {
    verdict.broken("revisions rise", "{} after {}", event.revision.value, last().value);
  }
  if (instance.modified != event.revision) {
    verdict.broken("an instance carries its revision", "{} in event {}", instance.modified.value, event.revision.value);
  }
  if (!instance.number) verdict.broken("the Store numbers instances", "event {} has none", event.revision.value);
  auto& [owner, last_event] = numbers_[instance.number.value];
  if (!owner.empty() && owner != instance.id.view()) {
    verdict.broken("a number belongs to one id", "{} is {} and {}", instance.number.value, owner, instance.id.view());
  }
  if (event.previous != last_event) {
    verdict.broken("events of an instance are chained", "event {} follows {}, but says {}", event.revision.value,
                   last_event.value, event.previous.value);
  }
  if (before && before->number != instance.number) {
    verdict.broken("a number belongs to one id", "{} was {} and is {}", instance.id.view(), before->number.value,
                   instance.number.value);
  }
  if (event.cause.writer.empty()) verdict.broken("an event has a cause", "event {}", event.revision.value);
}

void LogModel::check_step(const Event& event, const InstancePtr& before) {
  if (event.kind == EventKind::registered) return check_registered(event, before);
  const Instance& after = *event.instance;
  auto& verdict = world_.verdict;
  if (!before) {
    verdict.broken("nothing is revived", "event {} ({}) for {} which isn't there", event.revision.value,
                   name_of(event.kind), after.id.view());
    return;
  }
  if (before->session != after.session || before->incarnation != after.incarnation ||
      before->created != after.created || before->spec.service != after.spec.service) {
    verdict.broken("only a registration starts a new life", "event {} of {}: session {} becomes {}",
                   event.revision.value, after.id.view(), before->session.view(), after.session.view());
  }
  // Where another node may have judged it, the log tells which came first.
  const bool is_renewal = world_.config.nodes > 1 && event.cause.evidence == "registered again after its ttl";
  const bool is_remark = after.spec.declares && event.cause.writer == "operator";
  if (event.kind == EventKind::updated && before->spec == after.spec && !is_renewal && !is_remark) {
    verdict.broken("an event changes something", "event {} updates {} to what it was", event.revision.value,
                   after.id.view());
  }
  if (event.kind == EventKind::status_changed &&
      (!same_but_for_status(*before, after) ||
       (before->health == after.health && before->maintenance == after.maintenance &&
        before->lapsed == after.lapsed))) {
    verdict.broken("an event changes something", "event {} of {} changes no status, or more than that",
                   event.revision.value, after.id.view());
  }
}

void LogModel::check_registered(const Event& event, const InstancePtr& before) {
  const Instance& after = *event.instance;
  auto& verdict = world_.verdict;
  if (after.created != event.revision) {
    verdict.broken("an incarnation knows its beginning", "event {} says {}", event.revision.value, after.created.value);
  }
  if (!after.session.empty() && is_over(after.id, after.session)) {
    verdict.broken("nothing is revived", "event {}: session {} of {} was over", event.revision.value,
                   after.session.view(), after.id.view());
  }
  if (before && before->session == after.session) {
    verdict.broken("a renewal makes no event", "event {}: {} lived with session {}", event.revision.value,
                   after.id.view(), after.session.view());
  }
  if (before && (before->spec.service != after.spec.service || before->source != after.source)) {
    verdict.broken("an id belongs to one service and source", "event {} of {}", event.revision.value, after.id.view());
  }
  const auto known = incarnations_.find(after.id.view());
  if (known != incarnations_.end() && after.incarnation <= known->second) {
    verdict.broken("incarnations rise", "event {} of {}: {} after {}", event.revision.value, after.id.view(),
                   after.incarnation.value, known->second.value);
  }
}

void LogModel::fold(const EventPtr& event, const InstancePtr& before) {
  const Instance& after = *event->instance;
  log_.push_back(event);
  changed_at_[after.id] = durable_at_[event->revision] = world_.now();
  if (event->previous) superseded_at_[event->previous] = world_.now();
  numbers_[after.number.value] = {after.id.str(), event->revision};
  incarnations_[after.id.str()] = after.incarnation;
  if (const auto version = version_of(after.spec); !version.empty()) versions_.insert(version);
  const bool is_removed = event->kind == EventKind::removed;
  if (before && (is_removed || before->session != after.session)) end_session(before->id, before->session);
  if (is_removed) {
    state_.erase(after.id.str());
  } else {
    state_[after.id.str()] = event->instance;
  }
}

void LogModel::check_reopened(const Snapshot& snapshot) {
  auto& verdict = world_.verdict;
  if (snapshot.revision < last()) {
    verdict.broken("no acknowledged write is lost", "the log ends at {} and went up to {}", snapshot.revision.value,
                   last().value);
  }
  if (snapshot.revision > last()) {
    verdict.broken("the log grows by commits", "the log ends at {}, but only {} was committed", snapshot.revision.value,
                   last().value);
  }
  if (snapshot.instances.size() != state_.size()) {
    verdict.broken("no acknowledged write is lost", "{} instances in the Store, {} in its log",
                   snapshot.instances.size(), state_.size());
  }
  for (const auto& instance : snapshot.instances) {
    const auto expected = living(instance->id.view());
    if (!expected || expected->modified != instance->modified || expected->spec != instance->spec ||
        expected->session != instance->session || expected->status() != instance->status()) {
      verdict.broken("no acknowledged write is lost", "{} at {} isn't what its events say", instance->id.view(),
                     instance->modified.value);
    }
  }
}

InstancePtr LogModel::living(std::string_view id) const {
  const auto found = state_.find(id);
  return found == state_.end() ? nullptr : found->second;
}

std::span<const EventPtr> LogModel::after(Revision revision) const {
  const auto first = std::ranges::upper_bound(log_, revision, {}, [](const EventPtr& e) { return e->revision; });
  return {first, log_.end()};
}

EventPtr LogModel::find(Revision revision) const {
  if (!revision) return nullptr;
  const auto rest = after(Revision{revision.value - 1});
  return !rest.empty() && rest.front()->revision == revision ? rest.front() : nullptr;
}

EventPtr LogModel::first_after(Revision revision, std::string_view service) const {
  for (const auto& event : after(revision)) {
    if (service.empty() || event->instance->spec.service.view() == service) return event;
  }
  return nullptr;
}

MonoTime LogModel::changed_at(const InstanceId& id) const {
  const auto found = changed_at_.find(id);
  return found == changed_at_.end() ? MonoTime{} : found->second;
}

MonoTime LogModel::superseded_at(Revision revision) const {
  const auto found = superseded_at_.find(revision);
  return found == superseded_at_.end() ? MonoTime::max() : found->second;
}

void LogModel::end_session(const InstanceId& id, const Session& session) {
  if (!session.empty()) over_[id].push_back(session);
}

bool LogModel::was_over(const InstanceId& id, const Session& session) const {
  const auto found = over_.find(id);
  return found != over_.end() && std::ranges::find(found->second, session) != found->second.end();
}

bool LogModel::is_over(const InstanceId& id, const Session& session) const {
  const auto found = over_.find(id);
  if (found == over_.end()) return false;
  const auto& ended = found->second;
  const auto remembered = std::min(ended.size(), world_.config.limits.model.retired_sessions);
  return std::find(ended.end() - static_cast<std::ptrdiff_t>(remembered), ended.end(), session) != ended.end();
}

}  // namespace rollcall::sim
