#include "registry/reaper.hpp"

#include <algorithm>

namespace rollcall {
namespace {

LeaseTable::Terms terms_of(const Instance& instance) {
  return {instance.number, *instance.spec.lease, instance.source};
}

}  // namespace

LeaseTime Reaper::runs_out(LeaseTime last_beat, const LeaseTable::Terms& terms) const {
  return std::max(last_beat, floor_) + terms.lease.ttl;
}

void Reaper::put_off(LeaseTime now, std::size_t limit, LeaseTime when) {
  for (const auto lease : due_.take(now, limit)) {
    const auto seen = leases_.look(lease);
    if (seen) watch(lease, std::max(when, runs_out(seen->last_beat, leases_.terms(lease))));
  }
}

void Reaper::follow(const Event& event, LeaseTime now) {
  const Instance& instance = *event.instance;
  if (event.kind == EventKind::removed || !instance.spec.lease) {
    leases_.erase(instance.id.view());
    return;
  }
  const auto lease = leases_.find(instance.id.view());
  if (instance.lapsed) {
    if (!lease || leases_.look(*lease)->state == LeaseState::lapsed) return;
    leases_.lapse(*lease, now);
    watch(*lease, buried_at(*lease));
    return;
  }
  const auto seen = lease ? leases_.look(*lease) : std::nullopt;
  const bool is_beat = event.kind != EventKind::status_changed || !seen || seen->state == LeaseState::lapsed;
  if (!is_beat) return;
  const auto terms = terms_of(instance);
  watch(leases_.put(instance.id, instance.session, terms, now, false), runs_out(now, terms));
}

void Reaper::adopt(const Instance& instance, std::optional<LeaseTime> last_beat, LeaseTime now) {
  if (!instance.spec.lease) return;
  const auto terms = terms_of(instance);
  const LeaseTime heard = last_beat.value_or(instance.lapsed ? now - terms.lease.ttl : now);
  const auto lease = leases_.put(instance.id, instance.session, terms, heard, true);
  if (instance.lapsed) {
    leases_.lapse(lease, heard + terms.lease.ttl);
    watch(lease, buried_at(lease));
  } else {
    watch(lease, runs_out(heard, terms));
  }
}

LeaseTime Reaper::buried_at(LeaseTable::Handle lapsed) const {
  const auto terms = leases_.terms(lapsed);
  return leases_.look(lapsed)->last_beat + terms.lease.ttl + terms.lease.deregister_after;
}

Reaper::Suspects Reaper::look(LeaseTime now, std::size_t limit, std::uint64_t queued_so_far) {
  Suspects suspects{.leases = {}, .looked_at = now};
  for (const auto lease : due_.take(now, limit)) {
    const auto seen = leases_.look(lease);
    if (!seen) continue;
    if (seen->state == LeaseState::lapsed) {
      if (buried_at(lease) <= now) {
        verdicts_.push_back({lease, Bury{InstanceId(leases_.id(lease))}, queued_so_far, seen->last_beat, term_});
      } else {
        watch(lease, buried_at(lease));
      }
    } else if (seen->state == LeaseState::alive) {
      const LeaseTime end = runs_out(seen->last_beat, leases_.terms(lease));
      if (end <= now) {
        suspects.leases.push_back(lease);
      } else {
        watch(lease, end);
      }
    }
  }
  return suspects;
}

void Reaper::judge(const Suspects& suspects, std::uint64_t queued_so_far) {
  for (const auto lease : suspects.leases) {
    const auto before = leases_.look(lease);
    const bool is_over = before && runs_out(before->last_beat, leases_.terms(lease)) <= suspects.looked_at;
    if (const auto silence = is_over ? leases_.claim(lease, suspects.looked_at) : std::nullopt) {
      const LeaseTime last_beat = suspects.looked_at - *silence;
      verdicts_.push_back({lease, Expire{InstanceId(leases_.id(lease)), *silence}, queued_so_far, last_beat, term_});
    } else if (const auto seen = leases_.look(lease); seen && seen->state == LeaseState::alive) {
      watch(lease, runs_out(seen->last_beat, leases_.terms(lease)));
    }
  }
}

std::optional<Reaper::Verdict> Reaper::next_verdict(std::uint64_t handled) {
  while (!verdicts_.empty() && verdicts_.front().after <= handled) {
    Verdict verdict = std::move(verdicts_.front());
    verdicts_.pop_front();
    const auto seen = leases_.look(verdict.lease);
    const bool is_expiry = std::holds_alternative<Expire>(verdict.request);
    if (!seen || seen->last_beat != verdict.last_beat) continue;
    if (seen->state == (is_expiry ? LeaseState::expiring : LeaseState::lapsed)) return verdict;
  }
  return std::nullopt;
}

void Reaper::take_back(const Verdict& verdict, LeaseTime when) {
  const auto seen = leases_.look(verdict.lease);
  const bool is_expiry = std::holds_alternative<Expire>(verdict.request);
  if (!seen || seen->state != (is_expiry ? LeaseState::expiring : LeaseState::lapsed)) return;
  leases_.restore(verdict.lease);
  watch(verdict.lease, when);
}

}  // namespace rollcall
