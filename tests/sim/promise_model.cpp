#include "promise_model.hpp"

#include <algorithm>

#include "process.hpp"
#include "registry/digest.hpp"

namespace rollcall::sim {
namespace {

using namespace std::chrono_literals;

/// Leases are rounded to milliseconds in marks.
constexpr Duration kRounding = 2ms;
/// From a lease's end to its event, when nothing is wrong: the reaper's tick, the barrier, the queue, the commit.
constexpr Duration kPromptness = 2s;
/// Until the reaper knows that all nodes have heard nothing, and for an age that was told late. Each is up to 1 s.
constexpr int kRounds = 4;
/// Until every node has heard of a beat: two rounds.
constexpr Duration kTelling = 2500ms;

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

bool matches(const Session& beat, const Session& living) { return beat.empty() || beat == living; }

}  // namespace

void PromiseModel::touch(Lease& lease) const {
  lease.touched = world_.now();
  lease.excused_then = world_.excused();
}

void PromiseModel::follow(const Event& event, const InstancePtr& before) {
  const Instance& instance = *event.instance;
  const auto found = leases_.find(instance.id.view());
  if (event.cause.writer == "lease" && found != leases_.end()) check_end(event, found->second);
  if (event.kind == EventKind::removed || !instance.spec.lease) {
    if (found != leases_.end()) leases_.erase(found);
    return;
  }
  Lease& lease = leases_[instance.id.str()];
  lease.session = instance.session;
  lease.incarnation = instance.incarnation;
  ids_[instance.number] = instance.id.str();
  // A save that was on its way may still bring the mark of the life before.
  if (event.kind == EventKind::registered) lease.told.reset();
  lease.terms = *instance.spec.lease;
  const bool is_beat = event.kind != EventKind::status_changed || !before || (before->lapsed && !instance.lapsed);
  // Whatever was judged by the state before comes to nothing.
  if (is_beat) {
    touch(lease);
    lease.promised = world_.commit_began;
  }
  // Others may see it before its commit is answered.
  if (instance.lapsed && !lease.has_lapsed) lease.lapsed = world_.commit_began;
  if (!instance.lapsed) lease.lapsed.reset();
  lease.has_lapsed = instance.lapsed;
}

void PromiseModel::check_end(const Event& event, const Lease& lease) {
  const Instance& instance = *event.instance;
  const bool is_removed = event.kind == EventKind::removed;
  if (!lease.has_lapsed && (is_removed || instance.lapsed)) check_expiry(event, lease);
  if (is_removed && !lease.has_lapsed && lease.terms.deregister_after > 0ms) {
    world_.verdict.broken("a lapsed instance stays for deregister_after", "{} was removed at once", instance.id.view());
  }
  if (!is_removed || !lease.lapsed) return;
  const Duration waited = world_.commit_began - *lease.lapsed;
  if (waited + kRounding < lease.terms.deregister_after) {
    world_.verdict.broken("a lapsed instance stays for deregister_after", "{} was critical for {:.3f} of {:.3f} s",
                          instance.id.view(), seconds(waited), seconds(lease.terms.deregister_after));
  }
}

void PromiseModel::check_expiry(const Event& event, const Lease& lease) {
  if (!lease.promised) return;
  const auto& id = event.instance->id;
  const Duration silent = world_.commit_began - *lease.promised;
  if (silent + kRounding < lease.terms.ttl) {
    world_.verdict.broken("nobody who was promised within ttl expires", "{}: the promise was {:.3f} of {:.3f} s old",
                          id.view(), seconds(silent), seconds(lease.terms.ttl));
  }
  for (const auto& [ticket, beat] : beats_) {
    if (!should_have_counted(beat, event, lease)) continue;
    world_.verdict.broken("nobody whose beat arrived within ttl expires",
                          "{}: a beat arrived at {} {:.3f} s after the last promise, ttl {:.3f} s, and wasn't counted",
                          id.view(), beat.at->name, seconds(beat.arrived - *lease.promised), seconds(lease.terms.ttl));
  }
}

/// It lies in the socket of a node that would promise, and that the others haven't gone on without since it came.
bool PromiseModel::should_have_counted(const Beat& beat, const Event& event, const Lease& lease) const {
  if (!beat.unread || beat.id != event.instance->id || !matches(beat.session, lease.session)) return false;
  if (beat.arrived - *lease.promised >= lease.terms.ttl || beat.arrived < beat.at->fenced_at) return false;
  return beat.at->serves() && beat.at->process->registry().in_touch() && is_of_this_life(beat, lease);
}

bool PromiseModel::is_of_this_life(const Beat& beat, const Lease& lease) {
  const auto known = beat.at->process->catalog().find_instance(beat.id.view());
  return known && known->incarnation == lease.incarnation;
}

LeaseRules::BeatTicket PromiseModel::arrived(Node& at, const InstanceId& id, const Session& session) {
  beats_.emplace(++last_ticket_, Beat{&at, id, session, world_.now()});
  return last_ticket_;
}

void PromiseModel::undecided(BeatTicket ticket) {
  const auto found = beats_.find(ticket);
  if (found != beats_.end()) found->second.unread = false;
}

void PromiseModel::answered(BeatTicket ticket, Heard heard) {
  const auto found = beats_.find(ticket);
  if (found == beats_.end()) return;
  const Beat beat = std::move(found->second);
  beats_.erase(found);
  if (heard == Heard::no) return;
  if (!beat.unread) return renewed(beat.id, beat.session, beat.arrived, heard);
  const auto lease = leases_.find(beat.id.view());
  if (lease == leases_.end() || !matches(beat.session, lease->second.session)) return;
  touch(lease->second);
  auto& promised = lease->second.promised;
  if (!promised || beat.arrived - *promised >= lease->second.terms.ttl) return promised.reset();
  if (heard == Heard::promised && is_of_this_life(beat, lease->second)) promised = std::max(*promised, beat.arrived);
}

/// No barrier waits for the queue of another node: the promise counts where it was given within the ttl.
void PromiseModel::renewed(const InstanceId& id, const Session& session, MonoTime asked, Heard heard) {
  const auto lease = leases_.find(id.view());
  if (lease == leases_.end() || !matches(session, lease->second.session)) return;
  touch(lease->second);
  auto& promised = lease->second.promised;
  if (!promised || world_.now() - *promised >= lease->second.terms.ttl) return promised.reset();
  if (heard == Heard::promised) promised = std::max(*promised, asked);
}

void PromiseModel::crashed(Node& node) {
  std::erase_if(beats_, [&](const auto& beat) { return beat.second.at == &node; });
}

/// What it has from marks tells no more than when their ttl was over, and it may become the reaper.
void PromiseModel::restarted(Node&) {
  for (auto& [id, lease] : leases_) lease.lapsed.reset();
}

void PromiseModel::told(std::string_view digest, MonoTime collected) {
  const auto read = decode_digest(digest, [&](InstanceNumber number, std::chrono::milliseconds age) {
    const auto lease = leases_.find(ids_[number]);
    if (lease == leases_.end()) return;
    auto& known = lease->second.told;
    const Lease::Told now{.collected = collected, .age = age};
    if (!known || now.beat() > known->beat()) known = now;
  });
  if (!read) world_.verdict.broken("a digest can be read", "{}", read.error().message);
}

/// As old as the digest said; or, where it has gone, as old as the beat was when marks were saved after it.
Duration PromiseModel::silence_restored(const Lease::Told& told) const {
  return std::max(told.age, saved_at_ - told.beat()) + kRounding;
}

/// Nobody is left to tell of beats that the log doesn't know of. A process that starts goes on from what it does know;
/// of one that had been left behind nothing is claimed.
void PromiseModel::began_alone(const Node& node) {
  const bool starts = node.process == nullptr;
  for (auto& [id, lease] : leases_) {
    lease.promised.reset();
    lease.lapsed.reset();
    if (starts && lease.told) lease.promised = world_.now() - silence_restored(*lease.told);
  }
}

std::optional<Duration> PromiseModel::silent_at_most(std::string_view id) const {
  const auto found = leases_.find(id);
  if (found == leases_.end()) return std::nullopt;
  // Of the last beat it may not know yet, and who goes on beats in every third of the ttl.
  return world_.now() - found->second.touched + found->second.terms.ttl / 3 + kTelling;
}

void PromiseModel::check_overdue(const LogModel& log) {
  const Duration round = std::clamp<Duration>(world_.config.ttl_max / 10, 100ms, 1s);
  for (const auto& [id, lease] : leases_) {
    const Duration silent = world_.now() - lease.touched - (world_.excused() - lease.excused_then);
    Duration allowed = lease.terms.ttl + kRounds * round + kPromptness;
    if (lease.has_lapsed) allowed += lease.terms.deregister_after + kPromptness;
    if (silent <= allowed) continue;
    world_.verdict.broken("who falls silent goes in time", "{} ({}) is there after {:.3f} s of {:.3f} s allowed{}", id,
                          log.living(id) ? name_of(log.living(id)->status()) : "gone", seconds(silent),
                          seconds(allowed), lease.has_lapsed ? ", lapsed" : "");
  }
}

}  // namespace rollcall::sim
