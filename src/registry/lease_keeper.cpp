#include "registry/lease_keeper.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace rollcall {
namespace {

constexpr Duration kTick = std::chrono::milliseconds{50};
constexpr std::size_t kLooksPerTick = 20'000;
constexpr Duration kLookAgain = std::chrono::seconds{1};
constexpr std::chrono::milliseconds kSaveAtLeastEvery{10'000};
constexpr std::chrono::milliseconds kSaveAtMostEvery{100};
constexpr Duration kProbeStoreAfter = std::chrono::milliseconds{500};

}  // namespace

void LeaseKeeper::load(const std::vector<InstancePtr>& instances, LeaseMarks marks) {
  std::ranges::sort(marks.marks, {}, &LeaseMark::number);
  clock_.start(parts_.clock.now(), marks.now);
  for (const auto& instance : instances) {
    const auto mark = std::ranges::lower_bound(marks.marks, instance->number, {}, &LeaseMark::number);
    const bool has_mark = mark != marks.marks.end() && mark->number == instance->number;
    reaper_.adopt(*instance, has_mark ? std::optional<LeaseTime>(mark->last_beat) : std::nullopt, marks.now);
    if (instance->spec.lease) note_ttl(instance->spec.lease->ttl);
  }
}

void LeaseKeeper::start(Hooks hooks) {
  hooks_ = std::move(hooks);
  clock_.start(parts_.clock.now(), now());
  tick();
}

void LeaseKeeper::follow(const Event& event) {
  reaper_.follow(event, now());
  if (event.instance->spec.lease) note_ttl(event.instance->spec.lease->ttl);
}

void LeaseKeeper::catch_up(const InstancePtr& before, const InstancePtr& after) {
  if (after == nullptr) return leases_.erase(before->id.view());
  if (before && before->modified == after->modified) return;
  const bool same_life = before && before->incarnation == after->incarnation;
  Event event;
  event.instance = after;
  // Another node may have taken a renewal that came after its ttl, which is an event that changes nothing.
  const bool may_be_renewed = roster_ != nullptr && !after->lapsed;
  const bool is_status = same_life && before->spec == after->spec && !may_be_renewed;
  if (same_life) event.kind = is_status ? EventKind::status_changed : EventKind::updated;
  // It has come, or its terms have changed, and it has lapsed since: that is more than one event says.
  if (after->lapsed && event.kind != EventKind::status_changed) reaper_.adopt(*after, std::nullopt, now());
  follow(event);
}

void LeaseKeeper::tick() {
  const Duration blind = clock_.tick(parts_.clock.now(), kTick);
  if (blind > Duration{0}) {
    log::warning("registry", "this process didn't run for {:.1f} s; leases get that time back",
                 std::chrono::duration<double>(blind).count());
  }
  look();
  reclaim();
  save_if_due();
  hooks_.ticked();
  parts_.own.post_at(parts_.clock.now() + kTick, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->tick();
  });
}

void LeaseKeeper::look() {
  if (judging_) return;
  if (!judges()) return reaper_.put_off(now(), kLooksPerTick, now() + kLookAgain);
  LeaseTime upto = now();
  if (roster_ != nullptr) {
    upto = std::min(upto, roster_->complete_up_to());
    reaper_.hold(roster_->term(), roster_->floor());
  }
  auto suspects = std::make_shared<Reaper::Suspects>(reaper_.look(upto, kLooksPerTick, hooks_.queued_so_far()));
  if (suspects->empty()) return;
  judging_ = true;
  parts_.turns.after_all_turned([self = shared_from_this(), suspects] {
    self->parts_.own.post([self, suspects] {
      self->judging_ = false;
      self->reaper_.judge(*suspects, self->hooks_.queued_so_far());
      self->hooks_.ticked();
    });
  });
}

void LeaseKeeper::reclaim() {
  if (reclaiming_) return;
  auto retired = std::make_shared<LeaseTable::Retired>(leases_.take_retired());
  if (retired->empty()) return;
  reclaiming_ = true;
  parts_.turns.after_all_turned([self = shared_from_this(), retired] {
    self->parts_.own.post([self, retired] {
      self->reclaiming_ = false;
      self->leases_.reclaim(std::move(*retired));
    });
  });
}

void LeaseKeeper::note_ttl(std::chrono::milliseconds ttl) {
  if (ttl >= shortest_ttl_) return;
  shortest_ttl_ = ttl;
  save_due_ = std::min(save_due_, now() + save_interval());
}

/// At least every third of the shortest ttl, a tick's delay included.
std::chrono::milliseconds LeaseKeeper::save_interval() const {
  const auto third = shortest_ttl_ / 3 - std::chrono::duration_cast<std::chrono::milliseconds>(kTick);
  return std::clamp(third, kSaveAtMostEvery, kSaveAtLeastEvery);
}

void LeaseKeeper::probe_store() {
  store_in_doubt_ = true;
  save_due_ = std::min(save_due_, now() + kProbeStoreAfter);
}

void LeaseKeeper::save_if_due() {
  if (saving_ || now() < save_due_) return;
  if (!judges()) return ask_store();
  auto found = leases_.marks_since(saved_since());
  shortest_ttl_ = found.shortest_ttl;
  save_due_ = now() + save_interval();
  if (found.marks.empty() && leases_.size() == 0 && !store_in_doubt_) return;
  save(std::move(found), nullptr);
}

/// Whoever judged before had another clock.
LeaseTime LeaseKeeper::saved_since() const { return saved_in_ == term() ? saved_up_to_ : LeaseTime::min(); }

/// The marks are another node's to write.
void LeaseKeeper::ask_store() {
  save_due_ = now() + save_interval();
  if (!store_in_doubt_) return;
  saving_ = true;
  parts_.store_executor.post([self = shared_from_this()] {
    const auto health = self->parts_.store.health();
    self->parts_.own.post([self, health] {
      self->saving_ = self->store_in_doubt_ = false;
      self->hooks_.marks_saved(health.writable ? Result<void>() : fail(ErrorCode::unavailable, health.detail));
    });
  });
}

void LeaseKeeper::save_last(Task done) {
  if (!judges()) return done();
  save(leases_.marks_since(saved_since()), std::move(done));
}

void LeaseKeeper::note_saved(LeaseTime at, Term term) {
  saved_up_to_ = at;
  saved_in_ = term;
  if (roster_ != nullptr) roster_->written_down(at);
}

void LeaseKeeper::save(LeaseTable::Marks found, Task done) {
  saving_ = true;
  LeaseMarks marks{
      .now = std::chrono::floor<std::chrono::milliseconds>(now()), .marks = std::move(found.marks), .term = term()};
  parts_.store_executor.post([self = shared_from_this(), at = now(), marks = std::move(marks),
                              done = std::move(done)]() mutable {
    auto saved = self->parts_.store.save_leases(marks);
    self->parts_.own.post([self, at, term = marks.term, saved = std::move(saved), done = std::move(done)]() mutable {
      self->saving_ = false;
      if (saved) self->note_saved(at, term);
      // That another node is the reaper by now is no trouble of the Store's.
      if (!saved && saved.error().code == ErrorCode::conflict) saved = {};
      self->store_in_doubt_ = false;
      self->hooks_.marks_saved(std::move(saved));
      if (done) done();
    });
  });
}

}  // namespace rollcall
