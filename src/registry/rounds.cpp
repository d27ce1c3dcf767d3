#include "registry/rounds.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "registry/digest.hpp"

namespace rollcall {
namespace {

using std::chrono::milliseconds;

/// Meetings in the shortest ttl: a silence is judged when the others have told of it, two or three meetings later.
constexpr int kPerTtl = 10;
constexpr std::string_view kLogger = "cluster";

milliseconds in_ms(LeaseTime time) { return std::chrono::floor<milliseconds>(time); }

ClusterParts with_reaper(ClusterParts cluster) {
  cluster.offices.emplace_back(kReaperOffice);
  return cluster;
}

}  // namespace

Rounds::Rounds(const Registry::Parts& parts, std::shared_ptr<LeaseKeeper> keeper)
    : parts_(parts),
      cluster_(with_reaper(*parts.cluster)),
      keeper_(std::move(keeper)),
      roster_(std::make_shared<Roster>(cluster_.membership.self(), parts.limits.cluster.fence_after)),
      interval_(parts.limits.cluster.longest_round) {
  keeper_->judge_by(roster_);
}

Result<void> Rounds::join() {
  const MonoTime began = parts_.clock.now();
  auto minutes = cluster_.membership.join(cluster_.card, cluster_.offices);
  if (!minutes) return std::unexpected(minutes.error());
  met_at_ = began.time_since_epoch().count();
  joined_ = std::move(*minutes);
  return {};
}

void Rounds::start(Met met) {
  met_ = std::move(met);
  roster_->join(joined_, keeper_->now());
  merge(joined_.digests);
  publish(std::exchange(joined_, {}));
  meet();
}

bool Rounds::in_touch() const noexcept {
  const MonoTime met_at{MonoTime::duration(met_at_.load(std::memory_order_relaxed))};
  return parts_.clock.now() - met_at < parts_.limits.cluster.fence_after;
}

ClusterView Rounds::view() const {
  const std::scoped_lock lock(mutex_);
  return view_;
}

// ---- a round: everything heard up to its beginning is told ----

void Rounds::meet() {
  meeting_ = true;
  const LeaseTime at = keeper_->now();
  const MonoTime began = parts_.clock.now();
  auto report = std::make_shared<Report>(roster_->begin(at));
  // What lies in a socket has been heard up to now too.
  parts_.turns.after_all_turned([weak = weak_from_this(), &own = parts_.own, report, at, began] {
    own.post([weak, report, at, began] {
      if (const auto self = weak.lock()) self->send(std::move(*report), at, began);
    });
  });
}

void Rounds::collect(Report& report, LeaseTime since) {
  auto found = keeper_->leases().marks_since(since, LeaseTable::Heard::here);
  std::erase_if(hidden_, [since](const auto& hidden) { return hidden.second < since; });
  for (const auto& [number, beat] : hidden_) found.marks.push_back({number, in_ms(beat)});
  report.digest = encode_digest(std::move(found.marks), in_ms(keeper_->now()));
  report.revision = parts_.catalog.revision();
  const auto& limits = parts_.limits.cluster;
  interval_ = std::clamp(found.shortest_ttl / kPerTtl, limits.shortest_round, limits.longest_round);
}

void Rounds::send(Report report, LeaseTime at, MonoTime began) {
  if (leaving_) met_at_ = 0;  // what is heard from here on is told to nobody
  collect(report, told_up_to_);
  if (leaving_) return leave_with(std::move(report));
  on_cluster_executor(
      [report = std::move(report)](Membership& membership) { return membership.meet(report); },
      [self = shared_from_this(), at, began](const Result<Minutes>& minutes) { self->met(minutes, at, began); });
}

void Rounds::on_cluster_executor(std::function<Result<Minutes>(Membership&)> call, MeetingDone done) {
  cluster_.executor.post([self = shared_from_this(), call = std::move(call), done = std::move(done)] {
    auto minutes = std::make_shared<Result<Minutes>>(call(self->cluster_.membership));
    self->parts_.own.post([done, minutes] { done(*minutes); });
  });
}

void Rounds::met(const Result<Minutes>& minutes, LeaseTime at, MonoTime began) {
  if (minutes && minutes->ended) return join_again();
  if (minutes) {
    told_up_to_ = at;
    roster_->learn(*minutes, keeper_->now());
    learn(*minutes, began);
  } else {
    note_failure(minutes.error());
  }
  meet_again(began);
}

void Rounds::learn(const Minutes& minutes, MonoTime began) {
  merge(minutes.digests);
  publish(minutes);
  met_at_.store(began.time_since_epoch().count(), std::memory_order_relaxed);
  met_(minutes.revision, began);
}

void Rounds::meet_again(MonoTime began) {
  meeting_ = false;
  if (leaving_) return meet();
  parts_.own.post_at(std::max(began + interval_, parts_.clock.now()), [weak = weak_from_this()] {
    if (const auto self = weak.lock(); self && !self->meeting_) self->meet();
  });
}

void Rounds::leave(Task done) {
  leaving_ = std::move(done);
  if (!meeting_) meet();
}

void Rounds::leave_with(Report report) {
  cluster_.executor.post([self = shared_from_this(), report = std::move(report)] {
    if (const auto left = self->cluster_.membership.leave(report); !left) {
      log::warning(kLogger, "left without telling the others: {}", left.error().message);
    }
    self->parts_.own.post([self] { self->leaving_(); });
  });
}

/// The others have waited for this node in vain. What was heard here meanwhile is told with the next report.
void Rounds::join_again() {
  log::warning(kLogger, "the other nodes have gone on without this one; it joins them again");
  const MonoTime began = parts_.clock.now();
  on_cluster_executor(
      [self = shared_from_this()](Membership& membership) {
        return membership.join(self->cluster_.card, self->cluster_.offices);
      },
      [self = shared_from_this(), began](const Result<Minutes>& minutes) {
        if (minutes) {
          self->roster_->join(*minutes, self->keeper_->now());
          self->learn(*minutes, began);
        } else {
          self->note_failure(minutes.error());
        }
        self->meet_again(began);
      });
}

// ---- what comes back ----

void Rounds::merge(const std::vector<Digest>& digests) {
  const LeaseTime now = keeper_->now();
  for (const auto& digest : digests) {
    const auto read = decode_digest(digest.beats, [&](InstanceNumber number, milliseconds age) {
      const auto hidden = keeper_->leases().heard_elsewhere(number, now - age);
      if (hidden && *hidden >= told_up_to_) hidden_.emplace_back(number, *hidden);
    });
    if (!read) log::error(kLogger, "heartbeats of another node: {}", read.error().message);
  }
}

void Rounds::note_failure(const Error& error) {
  roster_->lose_touch();
  {
    const std::scoped_lock lock(mutex_);
    if (view_.trouble.empty()) log::error(kLogger, "the other nodes can't be met: {}", error.message);
    view_.trouble = error.message;
  }
  hold_offices({});
}

void Rounds::publish(const Minutes& minutes) {
  {
    const std::scoped_lock lock(mutex_);
    if (!view_.trouble.empty()) log::info(kLogger, "the other nodes are met again");
    view_.trouble.clear();
    view_.revision = minutes.revision;
    view_.nodes.clear();
    for (const auto& member : minutes.members) view_.nodes.push_back(node_of(member, minutes.reaper));
  }
  hold_offices(minutes.offices);
}

ClusterView::Node Rounds::node_of(const Member& member, NodeId reaper) const {
  return {.card = member.card,
          .revision = member.revision,
          .silent_for = roster_->silence_of(member.id),
          .is_self = member.id == cluster_.membership.self(),
          .is_reaper = member.id == reaper};
}

void Rounds::hold_offices(const std::vector<std::string>& held) {
  {
    const std::scoped_lock lock(mutex_);
    if (view_.offices == held) return;
    view_.offices = held;
  }
  if (cluster_.offices_changed) cluster_.offices_changed(held);
}

}  // namespace rollcall
