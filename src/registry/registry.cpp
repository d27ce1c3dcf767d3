#include "registry/registry.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>

#include "base/log.hpp"
#include "registry/lease_clock.hpp"
#include "registry/reaper.hpp"
#include "registry/write_batch.hpp"

namespace rollcall {
namespace {

constexpr Duration kTick = std::chrono::milliseconds{50};
constexpr std::size_t kLooksPerTick = 20'000;
constexpr Duration kRetry = std::chrono::seconds{1};
constexpr Duration kReadAgain = std::chrono::milliseconds{200};
constexpr std::size_t kEventsPerRead = 10'000;
constexpr Duration kPruneEvery = std::chrono::seconds{60};
constexpr std::chrono::milliseconds kSaveAtLeastEvery{10'000};
constexpr std::chrono::milliseconds kSaveAtMostEvery{100};
constexpr std::string_view kLogger = "registry";

}  // namespace

struct Registry::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(const Parts& given) : parts(given), reaper(leases) {}

  const Parts parts;
  LeaseTable leases;
  LeaseClock lease_clock;

  // Any thread.
  struct Counters {
    std::atomic<std::uint64_t> commits{0}, changes{0}, conflicts{0}, failures{0}, expired{0}, leases{0};
  };
  Counters counters;
  mutable std::mutex mutex;
  std::vector<Pending> inbox;       // guarded by mutex
  std::uint64_t last_sequence = 0;  // guarded by mutex
  std::size_t queued = 0;           // guarded by mutex: in inbox and queue
  bool step_posted = false;         // guarded by mutex
  bool closed = false;              // guarded by mutex
  std::string unwritable;           // guarded by mutex: why, empty while writable

  // The registry's thread.
  Reaper reaper;
  std::deque<Pending> queue;
  std::uint64_t handled = 0;  // every request up to here has been planned
  std::optional<WriteBatch> in_flight;
  bool recovering = false;
  bool judging = false;
  bool reclaiming = false;
  bool saving = false;
  Task drained;
  LeaseTime saved_up_to{};
  LeaseTime save_due{};
  std::chrono::milliseconds shortest_ttl{std::chrono::milliseconds::max()};
  MonoTime prune_due{};

  [[nodiscard]] LeaseTime lease_now() const { return lease_clock.now(parts.clock.now()); }

  // ---- entering ----

  void submit(Request request, Done done) {
    bool post = false;
    std::optional<Error> refusal;
    {
      const std::scoped_lock lock(mutex);
      refusal = refusal_now();
      if (!refusal) {
        ++queued;
        inbox.push_back({std::move(request), std::move(done), ++last_sequence, lease_now()});
        post = !std::exchange(step_posted, true);
      }
    }
    if (refusal) return done(std::unexpected(std::move(*refusal)));
    if (post) parts.own.post([self = shared_from_this()] { self->step(); });
  }

  /// With mutex held.
  [[nodiscard]] std::optional<Error> refusal_now() const {
    if (closed) return Error{ErrorCode::unavailable, "the daemon is stopping", {}};
    if (queued >= parts.limits.registry.queued_commands) {
      return Error{ErrorCode::overloaded, "too many writes are waiting; try again", {}};
    }
    return std::nullopt;
  }

  void take_inbox() {
    std::vector<Pending> taken;
    {
      const std::scoped_lock lock(mutex);
      taken.swap(inbox);
      step_posted = false;
    }
    for (auto& pending : taken) queue.push_back(std::move(pending));
  }

  std::uint64_t sequence_so_far() {
    const std::scoped_lock lock(mutex);
    return last_sequence;
  }

  // ---- the one queue ----

  void step() {
    take_inbox();
    while (!in_flight && !recovering && plan_batch()) {
    }
    finish_drain();
  }

  /// One batch from the queue to the Store, or answered at once where it changes nothing. False: nothing was left to
  /// do.
  bool plan_batch() {
    WriteBatch batch(parts.catalog, parts.clock.wall_now(), parts.limits);
    plan_requests(batch);
    plan_verdicts(batch);
    if (batch.requests() == 0) return false;
    in_flight.emplace(std::move(batch));
    if (in_flight->changes().changes.empty()) {
      settle([](WriteBatch& settled, const WriteBatch::Followers& followers) {
        settled.settle(CommitResult{}, followers);
      });
    } else {
      commit();
    }
    return true;
  }

  void plan_requests(WriteBatch& batch) {
    std::size_t taken = 0;
    for (; !queue.empty() && batch.requests() < parts.limits.registry.changes_per_commit; ++taken) {
      Pending pending = std::move(queue.front());
      queue.pop_front();
      handled = std::max(handled, pending.sequence);
      auto* wanted = std::get_if<Register>(&pending.request);
      if (wanted != nullptr && !wanted->id) wanted->id = InstanceId(make_uuid(parts.random));
      settle_claim_first(pending, batch);
      batch.plan(std::move(pending));
    }
    const std::scoped_lock lock(mutex);
    queued -= taken;
  }

  void plan_verdicts(WriteBatch& batch) {
    for (std::size_t i = 0; i < parts.limits.registry.expiries_per_commit; ++i) {
      auto verdict = reaper.next_verdict(handled);
      if (!verdict) return;
      batch.plan(std::move(*verdict));
    }
  }

  /// A request for an id whose lease is claimed: it either came in time, and the claim is taken back; or it is judged
  /// after the expiry, in the same commit.
  void settle_claim_first(const Pending& pending, WriteBatch& batch) {
    const auto& id = id_of(pending.request);
    const auto lease = leases.find(id.view());
    const auto seen = lease ? leases.look(*lease) : std::nullopt;
    if (!seen || seen->state != LeaseState::expiring) return;
    const Duration silence = pending.arrived - seen->last_beat;
    const Reaper::Verdict verdict{*lease, Expire{id, silence}, 0};
    if (silence < leases.terms(*lease).lease.ttl) {
      reaper.take_back(verdict, pending.arrived);
    } else {
      batch.plan(verdict);
    }
  }

  void commit() {
    parts.store_executor.post([self = shared_from_this(), changes = &in_flight->changes()] {
      auto result = std::make_shared<Result<CommitResult>>(self->parts.store.commit(*changes));
      self->parts.own.post([self, result] { self->committed(*result); });
    });
  }

  void committed(const Result<CommitResult>& result) {
    if (result) {
      counters.commits.fetch_add(1, std::memory_order_relaxed);
      set_writable({});
      apply(result->events);
      settle([&](WriteBatch& batch, const WriteBatch::Followers& followers) { batch.settle(*result, followers); });
    } else {
      counters.failures.fetch_add(1, std::memory_order_relaxed);
      set_writable(result.error().message);
      if (result.error().code != ErrorCode::unavailable) return answer_and_recover(result.error());
      settle(
          [&](WriteBatch& batch, const WriteBatch::Followers& followers) { batch.settle(result.error(), followers); });
    }
    step();
  }

  void settle(const std::function<void(WriteBatch&, const WriteBatch::Followers&)>& with) {
    WriteBatch batch = std::move(*in_flight);
    in_flight.reset();
    const WriteBatch::Followers followers{
        .try_again =
            [this](Pending pending) {
              counters.conflicts.fetch_add(1, std::memory_order_relaxed);
              const std::scoped_lock lock(mutex);
              ++queued;
              queue.push_front(std::move(pending));
            },
        .undone = [this](const Reaper::Verdict& verdict) { reaper.take_back(verdict, lease_now() + kRetry); },
        .renewed = [this](const InstanceId& id, LeaseTime arrived) { renew(id, arrived); },
    };
    with(batch, followers);
  }

  void apply(std::span<const EventPtr> events) {
    if (events.empty()) return;
    parts.catalog.apply(events);
    const LeaseTime now = lease_now();
    for (const auto& event : events) {
      reaper.follow(*event, now);
      if (event->kind == EventKind::removed && event->cause.writer == "lease") {
        counters.expired.fetch_add(1, std::memory_order_relaxed);
      }
      if (event->instance->spec.lease) note_ttl(event->instance->spec.lease->ttl);
    }
    counters.changes.fetch_add(events.size(), std::memory_order_relaxed);
    counters.leases.store(leases.size(), std::memory_order_relaxed);
  }

  void set_writable(std::string why_not) {
    const std::scoped_lock lock(mutex);
    if (unwritable.empty() && !why_not.empty()) log::error(kLogger, "the store can't take writes: {}", why_not);
    if (!unwritable.empty() && why_not.empty()) log::info(kLogger, "the store takes writes again");
    unwritable = std::move(why_not);
  }

  // ---- after a commit whose outcome is unknown: read until the log tells ----

  void answer_and_recover(const Error& failure) {
    recovering = true;
    WriteBatch batch = std::move(*in_flight);
    in_flight.reset();
    // The claims of this batch stay until the log has told whether they came to pass.
    auto verdicts = std::make_shared<std::vector<Reaper::Verdict>>();
    batch.settle(failure, {.try_again = {},
                           .undone = [&](const Reaper::Verdict& verdict) { verdicts->push_back(verdict); },
                           .renewed = [this](const InstanceId& id, LeaseTime arrived) { renew(id, arrived); }});
    read_on(verdicts);
  }

  void renew(const InstanceId& id, LeaseTime arrived) { (void)leases.beat(id.view(), {}, arrived); }

  using Verdicts = std::shared_ptr<std::vector<Reaper::Verdict>>;

  void read_on(const Verdicts& verdicts) {
    parts.store_executor.post([self = shared_from_this(), after = parts.catalog.revision(), verdicts] {
      auto events = std::make_shared<Result<std::vector<EventPtr>>>(self->parts.store.read(after, kEventsPerRead));
      self->parts.own.post([self, events, verdicts] { self->have_read(*events, verdicts); });
    });
  }

  void have_read(const Result<std::vector<EventPtr>>& events, const Verdicts& verdicts) {
    if (!events && events.error().code == ErrorCode::compacted) return start_over(verdicts);
    if (!events) {
      parts.own.post_at(parts.clock.now() + kReadAgain, [weak = weak_from_this(), verdicts] {
        if (const auto self = weak.lock()) self->read_on(verdicts);
      });
      return;
    }
    apply(*events);
    if (events->size() == kEventsPerRead) return read_on(verdicts);
    recovered(verdicts);
  }

  void recovered(const Verdicts& verdicts) {
    for (const auto& verdict : *verdicts) reaper.take_back(verdict, lease_now() + kRetry);
    recovering = false;
    step();
  }

  /// The log no longer reaches back to what this node had seen: take the state as it is now.
  void start_over(const Verdicts& verdicts) {
    parts.store_executor.post([self = shared_from_this(), verdicts] {
      auto snapshot = std::make_shared<Result<Snapshot>>(self->parts.store.snapshot());
      self->parts.own.post([self, snapshot, verdicts] {
        if (!*snapshot) return self->have_read(std::unexpected(snapshot->error()), verdicts);
        self->replace_state(**snapshot);
        self->recovered(verdicts);
      });
    });
  }

  void replace_state(const Snapshot& snapshot) {
    std::vector<InstanceId> gone;
    parts.catalog.for_each([&](const InstancePtr& instance) { gone.push_back(instance->id); });
    parts.catalog.reset(snapshot);
    for (const auto& id : gone) {
      if (!parts.catalog.find_instance(id.view())) leases.erase(id.view());
    }
    const LeaseTime now = lease_now();
    for (const auto& instance : snapshot.instances) {
      const auto seen = leases.look(instance->id.view());
      reaper.adopt(*instance, seen ? std::optional(seen->last_beat) : std::nullopt, now);
    }
  }

  // ---- leases ----

  void tick() {
    const Duration blind = lease_clock.tick(parts.clock.now(), kTick);
    if (blind > Duration{0}) {
      log::warning(kLogger, "this process didn't run for {:.1f} s; leases get that time back",
                   std::chrono::duration<double>(blind).count());
    }
    const LeaseTime now = lease_now();
    look(now);
    reclaim();
    save_leases(now);
    prune();
    step();
    parts.own.post_at(parts.clock.now() + kTick, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->tick();
    });
  }

  void look(LeaseTime now) {
    if (judging) return;
    auto suspects = std::make_shared<Reaper::Suspects>(reaper.look(now, kLooksPerTick, sequence_so_far()));
    if (suspects->empty()) return;
    judging = true;
    parts.turns.after_all_turned([self = shared_from_this(), suspects] {
      self->parts.own.post([self, suspects] {
        self->judging = false;
        self->reaper.judge(*suspects, self->sequence_so_far());
        self->step();
      });
    });
  }

  void reclaim() {
    if (reclaiming) return;
    auto retired = std::make_shared<LeaseTable::Retired>(leases.take_retired());
    if (retired->empty()) return;
    reclaiming = true;
    parts.turns.after_all_turned([self = shared_from_this(), retired] {
      self->parts.own.post([self, retired] {
        self->reclaiming = false;
        self->leases.reclaim(std::move(*retired));
      });
    });
  }

  void note_ttl(std::chrono::milliseconds ttl) {
    if (ttl >= shortest_ttl) return;
    shortest_ttl = ttl;
    save_due = std::min(save_due, lease_now() + save_interval());
  }

  [[nodiscard]] std::chrono::milliseconds save_interval() const {
    return std::clamp(shortest_ttl / 3 - std::chrono::duration_cast<std::chrono::milliseconds>(kTick), kSaveAtMostEvery,
                      kSaveAtLeastEvery);
  }

  /// Also asks the Store, while it can't take writes, whether it can again.
  void save_leases(LeaseTime now) {
    if (saving || now < save_due || recovering) return;
    auto found = leases.marks_since(saved_up_to);
    shortest_ttl = found.shortest_ttl;
    save_due = now + save_interval();
    if (found.marks.empty() && leases.size() == 0 && is_writable()) return;
    saving = true;
    write_marks(now, std::move(found.marks), [](Impl&) {});
  }

  void write_marks(LeaseTime now, std::vector<LeaseMark> marks, std::move_only_function<void(Impl&)> then) {
    const auto clock_ms = std::chrono::floor<std::chrono::milliseconds>(now);
    parts.store_executor.post(
        [self = shared_from_this(), now, clock_ms, marks = std::move(marks), then = std::move(then)]() mutable {
          auto saved = self->parts.store.save_leases(clock_ms, marks);
          self->parts.own.post([self, now, saved = std::move(saved), then = std::move(then)]() mutable {
            self->saving = false;
            if (saved) self->saved_up_to = now;
            if (!self->recovering) self->set_writable(saved ? std::string() : saved.error().message);
            then(*self);
            self->finish_drain();
          });
        });
  }

  [[nodiscard]] bool is_writable() const {
    const std::scoped_lock lock(mutex);
    return unwritable.empty();
  }

  void prune() {
    const MonoTime now = parts.clock.now();
    if (now < prune_due) return;
    prune_due = now + kPruneEvery;
    const WallTime wall = parts.clock.wall_now();
    parts.catalog.forget_tombstones(wall - 2 * parts.limits.registry.tombstone_life);
    parts.store_executor.post([self = shared_from_this(), wall] {
      const auto more = self->parts.store.prune(wall);
      if (more && *more) self->parts.own.post([self] { self->prune_due = MonoTime{}; });
    });
  }

  // ---- start and end ----

  Result<void> load() {
    const auto snapshot = parts.store.snapshot();
    if (!snapshot) return std::unexpected(snapshot.error());
    auto marks = parts.store.load_leases();
    if (!marks) return std::unexpected(marks.error());
    std::ranges::sort(marks->marks, {}, &LeaseMark::number);
    lease_clock.start(parts.clock.now(), marks->now);
    const LeaseTime now = marks->now;
    for (const auto& instance : snapshot->instances) {
      const auto mark = std::ranges::lower_bound(marks->marks, instance->number, {}, &LeaseMark::number);
      const bool has_mark = mark != marks->marks.end() && mark->number == instance->number;
      reaper.adopt(*instance, has_mark ? std::optional<LeaseTime>(mark->last_beat) : std::nullopt, now);
      if (instance->spec.lease) note_ttl(instance->spec.lease->ttl);
    }
    parts.catalog.reset(*snapshot);
    counters.leases.store(leases.size(), std::memory_order_relaxed);
    return {};
  }

  void start() {
    lease_clock.start(parts.clock.now(), lease_now());
    tick();
  }

  void finish_drain() {
    if (!drained || in_flight || recovering || saving || !queue.empty()) return;
    saving = true;
    auto found = leases.marks_since(saved_up_to);
    write_marks(lease_now(), std::move(found.marks), [done = std::move(drained)](Impl&) mutable { done(); });
    drained = nullptr;
  }
};

Registry::Registry(const Parts& parts) : impl_(std::make_shared<Impl>(parts)) {}
Registry::~Registry() = default;

Result<void> Registry::load() { return impl_->load(); }
void Registry::start() { impl_->start(); }

void Registry::submit(Command command, Done done) {
  auto request = std::visit([](auto&& wanted) -> Request { return std::move(wanted); }, std::move(command));
  impl_->submit(std::move(request), std::move(done));
}

BeatResult Registry::heartbeat(std::string_view id, std::string_view session) {
  return impl_->leases.beat(id, session, impl_->lease_now());
}

void Registry::heartbeat_many(std::span<const std::string_view> ids, std::span<BeatResult> results) {
  impl_->leases.beat_many(ids, results, impl_->lease_now());
}

std::optional<Registry::Silence> Registry::silence(std::string_view id) const {
  const auto seen = impl_->leases.look(id);
  if (!seen) return std::nullopt;
  return Silence{std::max(Duration{0}, impl_->lease_now() - seen->last_beat), seen->unverified};
}

void Registry::with_store(std::move_only_function<void(Store&)> work) {
  impl_->parts.store_executor.post([impl = impl_, work = std::move(work)]() mutable { work(impl->parts.store); });
}

void Registry::drain(Task done) {
  impl_->parts.own.post([impl = impl_, done = std::move(done)]() mutable {
    {
      const std::scoped_lock lock(impl->mutex);
      impl->closed = true;
    }
    impl->drained = std::move(done);
    impl->step();
  });
}

RegistryStats Registry::stats() const {
  const auto& counters = impl_->counters;
  RegistryStats stats;
  stats.commits = counters.commits.load(std::memory_order_relaxed);
  stats.changes = counters.changes.load(std::memory_order_relaxed);
  stats.conflicts = counters.conflicts.load(std::memory_order_relaxed);
  stats.failures = counters.failures.load(std::memory_order_relaxed);
  stats.expired = counters.expired.load(std::memory_order_relaxed);
  stats.leases = counters.leases.load(std::memory_order_relaxed);
  const std::scoped_lock lock(impl_->mutex);
  stats.queued = impl_->queued;
  return stats;
}

bool Registry::writable(std::string* detail) const {
  const std::scoped_lock lock(impl_->mutex);
  if (detail != nullptr) *detail = impl_->unwritable;
  return impl_->unwritable.empty();
}

}  // namespace rollcall
