#include "lease_model.hpp"

#include <algorithm>

namespace rollcall::sim {
namespace {

using namespace std::chrono_literals;

/// Documented tolerance: a tick that is late by less isn't blindness, and one that was due before the stall began
/// measures it short by up to the time between two ticks.
constexpr Duration kBlindTolerance = 300ms;
/// Leases are rounded to milliseconds in marks.
constexpr Duration kRounding = 2ms;
/// From a lease's end to its event, when nothing is wrong: the reaper's tick, the barrier, the queue, the commit.
constexpr Duration kPromptness = 2s;

/// Until marks that are due have been saved.
constexpr Duration kSaving = 500ms;

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

bool matches(const Session& beat, const Session& living) { return beat.empty() || beat == living; }

}  // namespace

void LeaseModel::touch(Lease& lease, MonoTime heard) {
  if (!lease.heard || heard >= *lease.heard) {
    lease.heard = heard;
    lease.blind_then = blind_;
  }
  lease.touched = world_.now();
  lease.excused_then = world_.excused();
}

void LeaseModel::follow(const Event& event, const InstancePtr& before) {
  const Instance& instance = *event.instance;
  const auto found = leases_.find(instance.id.view());
  if (event.cause.writer == "lease" && found != leases_.end()) check_end(event, found->second);
  if (event.kind == EventKind::removed || !instance.spec.lease) {
    if (found != leases_.end()) leases_.erase(found);
    return;
  }
  Lease& lease = leases_[instance.id.str()];
  const bool new_life = event.kind == EventKind::registered || !before || !before->spec.lease;
  if (new_life) {
    lease = Lease{};
    lease.number = instance.number;
    lease.session = instance.session;
  }
  const bool shorter = lease.terms.ttl > instance.spec.lease->ttl;
  lease.terms = *instance.spec.lease;
  if (shorter) lease.heard.reset();
  if (instance.lapsed && !lease.lapsed) {
    lease.lapsed = world_.now();
    lease.lapse_saved = false;
  }
  if (!instance.lapsed) lease.lapsed.reset();
  if (event.kind != EventKind::status_changed || (before && before->lapsed && !instance.lapsed)) {
    lease.touched = world_.now();
    lease.excused_then = world_.excused();
  }
}

void LeaseModel::check_end(const Event& event, Lease& lease) {
  const Instance& instance = *event.instance;
  if (lease.lapsed && event.kind == EventKind::removed) {
    const Duration waited = world_.commit_began - *lease.lapsed;
    if (waited + kRounding < lease.terms.deregister_after) {
      world_.verdict.broken("a lapsed instance stays for deregister_after", "{} was critical for {:.3f} of {:.3f} s",
                            instance.id.view(), seconds(waited), seconds(lease.terms.deregister_after));
    }
    return;
  }
  if (event.kind == EventKind::removed && lease.terms.deregister_after > 0ms) {
    world_.verdict.broken("a lapsed instance stays for deregister_after", "{} was removed at once", instance.id.view());
  }
  if (event.kind == EventKind::removed || instance.lapsed) check_expiry(event, lease, world_.commit_began);
}

void LeaseModel::check_expiry(const Event& event, const Lease& lease, MonoTime judged) {
  const auto& id = event.instance->id;
  if (!lease.heard) return;
  const Duration silent = lived(lease, judged, blind_);
  if (silent + kRounding < lease.terms.ttl) {
    world_.verdict.broken("nobody who was heard of within ttl expires", "{} was silent for {:.3f} of {:.3f} s",
                          id.view(), seconds(silent), seconds(lease.terms.ttl));
  }
  for (const auto& [ticket, beat] : unanswered_) {
    if (beat.id != id || !matches(beat.session, lease.session) ||
        lived(lease, beat.at, beat.blind_then) >= lease.terms.ttl)
      continue;
    world_.verdict.broken("nobody whose beat arrived within ttl expires",
                          "{}: a beat arrived {:.3f} s after the last, ttl {:.3f} s, and wasn't counted", id.view(),
                          seconds(lived(lease, beat.at, beat.blind_then)), seconds(lease.terms.ttl));
  }
}

LeaseRules::BeatTicket LeaseModel::arrived(Node&, const InstanceId& id, const Session& session) {
  unanswered_.emplace(++last_ticket_, Unanswered{id, session, world_.now(), blind_});
  return last_ticket_;
}

void LeaseModel::answered(BeatTicket ticket, Heard heard) {
  const auto found = unanswered_.find(ticket);
  if (found == unanswered_.end()) return;
  const Unanswered beat = std::move(found->second);
  unanswered_.erase(found);
  if (heard != Heard::no) renewed(beat.id, beat.session, beat.at, heard);
}

void LeaseModel::renewed(const InstanceId& id, const Session& session, MonoTime asked, Heard) {
  const auto lease = leases_.find(id.view());
  if (lease != leases_.end() && matches(session, lease->second.session)) touch(lease->second, asked);
}

void LeaseModel::blind_for(Duration stall) { blind_ += std::max(Duration{0}, stall - kBlindTolerance); }

void LeaseModel::saved(const LeaseMarks& marks) {
  saved_now_ = marks.now;
  marks_in_doubt_ = false;
  for (const auto& mark : marks.marks) marks_[mark.number.value] = mark.last_beat;
  // One save is under way at a time, so these marks were read after the one before had ended.
  marks_read_after_ = std::exchange(save_ended_, world_.now());
  saved_state_at_ = save_ended_;
  for (auto& [id, lease] : leases_) {
    lease.marked = lease.marked || marks_.contains(lease.number.value);
    lease.lapse_saved = lease.lapse_saved || (lease.lapsed && *lease.lapsed <= marks_read_after_);
  }
}

void LeaseModel::crashed(Node&) { unanswered_.clear(); }

Duration LeaseModel::shortest_ttl() const {
  Duration shortest = 1h;
  for (const auto& [id, lease] : leases_) shortest = std::min<Duration>(shortest, lease.terms.ttl);
  return shortest;
}

// Marks are at most a third of the shortest ttl old, so a restart gives no lease more than that. Of a lapse that no
// save has seen they tell no more than when the lease had run out.
void LeaseModel::restarted(Node&) {
  for (auto& [id, lease] : leases_) {
    const auto mark = marks_.find(lease.number.value);
    const bool is_marked = lease.marked && mark != marks_.end();
    // Without a mark it counts as heard of, or as lapsed, just before the end.
    Duration silence = lease.lapsed ? Duration(lease.terms.ttl) : Duration{0};
    if (is_marked) silence = std::max(Duration{0}, Duration(saved_now_ - mark->second));
    lease.heard = world_.now() - silence;
    lease.blind_then = blind_;
    if (lease.lapsed) {
      const Duration overdue = std::max(Duration{0}, silence - lease.terms.ttl);
      const Duration waited = lease.lapse_saved ? saved_state_at_ - *lease.lapsed : overdue;
      lease.lapsed = world_.now() - waited;
    }
    if (!marks_in_doubt_) continue;
    lease.heard.reset();
    if (lease.lapsed) lease.lapsed = MonoTime{};
  }
  saved_state_at_ = world_.now();
  world_.excuse(shortest_ttl() / 3 + kSaving);
}

std::optional<Duration> LeaseModel::silent_at_most(std::string_view id) const {
  const auto found = leases_.find(id);
  if (found == leases_.end() || !found->second.heard) return std::nullopt;
  return world_.now() - *found->second.heard + kRounding;
}

void LeaseModel::check_overdue(const LogModel& log) {
  for (const auto& [id, lease] : leases_) {
    const Duration silent = world_.now() - lease.touched - (world_.excused() - lease.excused_then);
    Duration allowed = lease.terms.ttl + kPromptness;
    if (lease.lapsed) allowed += lease.terms.deregister_after + kPromptness;
    if (silent <= allowed) continue;
    world_.verdict.broken("who falls silent goes in time", "{} ({}) is there after {:.3f} s of {:.3f} s allowed{}", id,
                          log.living(id) ? name_of(log.living(id)->status()) : "gone", seconds(silent),
                          seconds(allowed), lease.lapsed ? ", lapsed" : "");
  }
}

}  // namespace rollcall::sim
