#include "registry/registry.hpp"

#include <algorithm>
#include <deque>
#include <mutex>

#include "base/log.hpp"
#include "registry/counters.hpp"
#include "registry/freshness.hpp"
#include "registry/growth.hpp"
#include "registry/inbox.hpp"
#include "registry/lease_keeper.hpp"
#include "registry/log_reader.hpp"
#include "registry/rounds.hpp"
#include "registry/write_batch.hpp"

namespace rollcall {
namespace {

constexpr Duration kRetry = std::chrono::seconds{1};
constexpr Duration kReadAgain = std::chrono::milliseconds{200};
constexpr Duration kPruneEvery = std::chrono::seconds{60};
constexpr std::string_view kLogger = "registry";

}  // namespace

struct Registry::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(const Parts& given)
      : parts(given),
        keeper(std::make_shared<LeaseKeeper>(given)),
        rounds(given.cluster != nullptr ? std::make_shared<Rounds>(given, keeper) : nullptr),
        inbox(given.limits.registry.queued_commands) {}

  using CaughtUp = std::move_only_function<void(Result<void>)>;

  const Parts parts;
  const std::shared_ptr<LeaseKeeper> keeper;
  const std::shared_ptr<Rounds> rounds;                               // null where this node is alone
  const std::shared_ptr<Growth> growth = std::make_shared<Growth>();  // the Store, which tells it, may outlive us
  Inbox inbox;

  // Any thread.
  RegistryCounters counters;
  Freshness freshness;
  mutable std::mutex mutex;
  std::string unwritable;  // guarded by mutex: why, empty while writable

  // The registry's thread.
  std::deque<Pending> queue;
  std::uint64_t handled = 0;  // every request up to here has been planned
  std::optional<WriteBatch> in_flight;
  bool recovering = false;                // reads what came of a commit
  std::vector<Reaper::Verdict> in_doubt;  // of that commit
  bool following = false;                 // reads what others have written
  bool pausing = false;                   // that has failed, and is tried again soon
  MonoTime asked_at{};                    // when the commit or read that is under way began
  std::vector<CaughtUp> catching_up;      // wait for the next commit or read
  std::vector<CaughtUp> being_caught_up;  // for the one under way
  Task drained;
  MonoTime prune_due{};

  // ---- entering ----

  void submit(Request request, Done done) {
    Pending pending{std::move(request), std::move(done), 0, keeper->now()};
    const auto entered = inbox.enter(pending);
    if (entered.refusal) return pending.done(std::unexpected(*entered.refusal));
    if (entered.wake) parts.own.post([self = shared_from_this()] { self->step(); });
  }

  // ---- the one queue ----

  /// What a commit or a read brings begins where the catalog ends: there is one of them at a time.
  [[nodiscard]] bool is_busy() const { return in_flight || recovering || following; }

  void step() {
    inbox.take(queue);
    while (!is_busy() && plan_batch()) {
    }
    follow_others();
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
    std::ptrdiff_t planned = 0;
    for (; !queue.empty() && batch.requests() < parts.limits.registry.changes_per_commit; ++planned) {
      Pending pending = std::move(queue.front());
      queue.pop_front();
      handled = std::max(handled, pending.sequence);
      auto* wanted = std::get_if<Register>(&pending.request);
      if (wanted != nullptr && !wanted->id) wanted->id = InstanceId(make_uuid(parts.random));
      settle_claim_first(pending, batch);
      // Claims are made on this thread too: from here on there is none that would end what is about to be confirmed.
      // Not if the life begins in this batch: the lease under its id is the earlier life's until then.
      if (const auto renewed = batch.plan(std::move(pending)); renewed && renewed->created) {
        (void)keeper->leases().beat(renewed->id.view(), {}, keeper->now());
      }
    }
    inbox.left(planned);
  }

  void plan_verdicts(WriteBatch& batch) {
    for (std::size_t i = 0; i < parts.limits.registry.expiries_per_commit; ++i) {
      auto verdict = keeper->reaper().next_verdict(handled);
      if (!verdict) return;
      // An expiry that a request of this batch has brought with it has been carried out already.
      const bool is_expiry = std::holds_alternative<Expire>(verdict->request);
      if (!is_expiry || !batch.touches(id_of(verdict->request))) batch.plan(std::move(*verdict));
    }
  }

  /// A request for an id whose lease is claimed: it either came in time, and the claim is taken back; or it is judged
  /// after the expiry, in the same commit.
  void settle_claim_first(const Pending& pending, WriteBatch& batch) {
    const auto& id = id_of(pending.request);
    if (batch.touches(id)) return;  // the lease table follows when the batch is applied
    LeaseTable& leases = keeper->leases();
    const auto lease = leases.find(id.view());
    const auto seen = lease ? leases.look(*lease) : std::nullopt;
    if (!seen || seen->state != LeaseState::expiring) return;
    const Duration silence = pending.arrived - seen->last_beat;
    const Reaper::Verdict verdict{*lease, Expire{id, silence}, 0, seen->last_beat, keeper->term()};
    if (silence < leases.terms(*lease).lease.ttl || !keeper->judges()) {
      keeper->reaper().take_back(verdict, pending.arrived);
    } else {
      batch.plan(verdict);
    }
  }

  void commit() {
    ask();
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
      answered({});
      settle([&](WriteBatch& batch, const WriteBatch::Followers& followers) { batch.settle(*result, followers); });
    } else {
      counters.failures.fetch_add(1, std::memory_order_relaxed);
      set_writable(result.error().message);
      answered(std::unexpected(result.error()));
      if (result.error().code != ErrorCode::unavailable) return answer_and_recover(result.error());
      settle(
          [&](WriteBatch& batch, const WriteBatch::Followers& followers) { batch.settle(result.error(), followers); });
    }
    step();
  }

  void settle(const std::function<void(WriteBatch&, const WriteBatch::Followers&)>& with) {
    WriteBatch batch = std::move(*in_flight);
    in_flight.reset();
    std::vector<Pending> again;  // in their order
    const WriteBatch::Followers followers{
        .try_again =
            [&](Pending pending) {
              counters.conflicts.fetch_add(1, std::memory_order_relaxed);
              again.push_back(std::move(pending));
            },
        .undone = [this](const Reaper::Verdict& verdict) { take_back(verdict); },
    };
    with(batch, followers);
    inbox.left(-std::ssize(again));
    queue.insert(queue.begin(), std::make_move_iterator(again.begin()), std::make_move_iterator(again.end()));
  }

  void apply(std::span<const EventPtr> events) {
    if (events.empty()) return;
    parts.catalog.apply(events);
    for (const auto& event : events) {
      keeper->follow(*event);
      if (event->kind == EventKind::removed && event->cause.writer == "lease") {
        counters.expired.fetch_add(1, std::memory_order_relaxed);
      }
    }
    freshness.applied(parts.catalog.revision());
    counters.changes.fetch_add(events.size(), std::memory_order_relaxed);
    counters.leases.store(keeper->leases().size(), std::memory_order_relaxed);
  }

  void set_writable(std::string why_not) {
    const std::scoped_lock lock(mutex);
    if (unwritable.empty() && !why_not.empty()) log::error(kLogger, "the store can't take writes: {}", why_not);
    if (!unwritable.empty() && why_not.empty()) log::info(kLogger, "the store takes writes again");
    unwritable = std::move(why_not);
    if (!unwritable.empty()) keeper->probe_store();
  }

  // ---- other handles write too: what a commit doesn't bring is read ----

  void follow_others() {
    if (is_busy()) return;
    const bool has_grown = !pausing && growth->take() > parts.catalog.revision();
    if (!has_grown && catching_up.empty()) return;
    following = true;
    read_on();
  }

  /// A commit or a read begins: what it brings is at least what the log holds now.
  void ask() {
    asked_at = parts.clock.now();
    being_caught_up = std::exchange(catching_up, {});
  }

  void answered(const Result<void>& result) {
    if (result) freshness.log_was_at(parts.catalog.revision(), asked_at, parts.catalog.revision());
    for (auto& done : std::exchange(being_caught_up, {})) done(result);
  }

  void pause_following() {
    following = false;
    pausing = true;
    growth->tell(Revision{parts.catalog.revision().value + 1});
    read_again([](Impl& self) {
      self.pausing = false;
      self.step();
    });
    step();
  }

  // ---- after a commit whose outcome is unknown: read until the log tells ----

  void answer_and_recover(const Error& failure) {
    recovering = true;
    WriteBatch batch = std::move(*in_flight);
    in_flight.reset();
    // The claims of this batch stay until the log has told whether they came to pass.
    batch.settle(failure,
                 {.try_again = {}, .undone = [&](const Reaper::Verdict& verdict) { in_doubt.push_back(verdict); }});
    read_on();
  }

  void take_back(const Reaper::Verdict& verdict) { keeper->reaper().take_back(verdict, keeper->now() + kRetry); }

  void read_on() {
    ask();
    const auto self = shared_from_this();
    read_log(
        parts,
        {.apply = [self](std::span<const EventPtr> events) { self->apply(events); },
         .replace = [self](const Snapshot& snapshot) { self->replace_state(snapshot); },
         .done = [self](const Result<void>& read) { read ? self->caught_up() : self->cannot_read(read.error()); }});
  }

  void cannot_read(const Error& why) {
    answered(std::unexpected(why));
    if (following) return pause_following();
    refuse_waiting(why);
    read_again([](Impl& self) { self.read_on(); });
  }

  void read_again(void (*how)(Impl&)) {
    parts.own.post_at(parts.clock.now() + kReadAgain, [weak = weak_from_this(), how] {
      if (const auto self = weak.lock()) how(*self);
    });
  }

  /// Nobody waits for a Store that may be away for long.
  void refuse_waiting(const Error& why) {
    inbox.take(queue);
    inbox.left(std::ssize(queue));
    for (Pending& pending : std::exchange(queue, {})) {
      handled = std::max(handled, pending.sequence);
      if (pending.done) pending.done(fail(ErrorCode::unavailable, why.message));
    }
  }

  void caught_up() {
    for (const auto& verdict : std::exchange(in_doubt, {})) take_back(verdict);
    recovering = following = false;
    answered({});
    step();
  }

  void replace_state(const Snapshot& snapshot) {
    std::vector<InstancePtr> known;
    parts.catalog.for_each([&](const InstancePtr& instance) { known.push_back(instance); });
    for (const auto& instance : snapshot.instances) {
      keeper->catch_up(parts.catalog.find_instance(instance->id.view()), instance);
    }
    parts.catalog.reset(snapshot);
    freshness.applied(snapshot.revision);
    for (const auto& instance : known) {
      if (!parts.catalog.find_instance(instance->id.view())) keeper->catch_up(instance, nullptr);
    }
    counters.leases.store(keeper->leases().size(), std::memory_order_relaxed);
  }

  // ---- now and then ----

  void ticked() {
    prune();
    step();
  }

  void marks_saved(const Result<void>& saved) {
    if (!recovering) set_writable(saved ? std::string() : saved.error().message);
    finish_drain();
  }

  void prune() {
    const MonoTime now = parts.clock.now();
    if (now < prune_due) return;
    prune_due = now + kPruneEvery;
    const WallTime wall = parts.clock.wall_now();
    parts.catalog.forget_tombstones(wall - 2 * parts.limits.registry.tombstone_life);
    parts.store_executor.post([self = shared_from_this(), wall] {
      const auto more = self->parts.store.prune(wall);
      self->measure_store();
      if (more && *more) self->parts.own.post([self] { self->prune_due = MonoTime{}; });
    });
  }

  /// On the store's executor, or before it runs.
  void measure_store() { counters.store_bytes.store(parts.store.health().bytes, std::memory_order_relaxed); }

  // ---- start and end ----

  Result<void> load() {
    parts.store.on_growth([growth = growth](Revision newest) { growth->tell(newest); });
    // Before anything is read: what others hear from here on comes as digests.
    if (auto joined = rounds ? rounds->join() : Result<void>(); !joined) return joined;
    const MonoTime began = parts.clock.now();
    const auto snapshot = parts.store.snapshot();
    if (!snapshot) return std::unexpected(snapshot.error());
    auto marks = parts.store.load_leases();
    if (!marks) return std::unexpected(marks.error());
    keeper->load(snapshot->instances, std::move(*marks));
    parts.catalog.reset(*snapshot);
    freshness.log_was_at(snapshot->revision, began, snapshot->revision);
    counters.leases.store(keeper->leases().size(), std::memory_order_relaxed);
    measure_store();
    return {};
  }

  void start() {
    // Weak: tasks on the executors may keep the keeper longer than the registry lives.
    const auto weak = weak_from_this();
    const auto if_alive = [weak](auto call) {
      const auto self = weak.lock();
      return self ? call(*self) : decltype(call(*self)){};
    };
    growth->open([=, &own = parts.own] { own.post([=] { if_alive([](Impl& impl) { return impl.step(), true; }); }); });
    follow_others();
    keeper->start(
        {.queued_so_far = [=] { return if_alive([](Impl& impl) { return impl.inbox.last_sequence(); }); },
         .ticked = [=] { if_alive([](Impl& impl) { return impl.ticked(), true; }); },
         .marks_saved =
             [=](const Result<void>& saved) { if_alive([&](Impl& impl) { return impl.marks_saved(saved), true; }); }});
    if (!rounds) return;
    rounds->start(
        [=](Revision log, MonoTime as_of) { if_alive([&](Impl& impl) { return impl.met(log, as_of), true; }); });
  }

  void met(Revision log, MonoTime as_of) {
    freshness.log_was_at(log, as_of, parts.catalog.revision());
    growth->tell(log);
  }

  void finish_drain() {
    if (!drained || is_busy() || keeper->saving() || !queue.empty()) return;
    keeper->save_last([rounds = rounds, done = std::exchange(drained, nullptr)]() mutable {
      rounds ? rounds->leave(std::move(done)) : done();
    });
  }
};

Registry::Registry(const Parts& parts) : impl_(std::make_shared<Impl>(parts)) {}
Registry::~Registry() { impl_->growth->close(); }

Result<void> Registry::load() { return impl_->load(); }
void Registry::start() { impl_->start(); }

void Registry::submit(Command command, Done done) {
  auto request = std::visit([](auto& wanted) -> Request { return std::move(wanted); }, command);
  impl_->submit(std::move(request), std::move(done));
}

BeatResult Registry::heartbeat(std::string_view id, std::string_view session) {
  LeaseTable& leases = impl_->keeper->leases();
  const auto key = leases.key(id);
  return leases.beat(key, session, impl_->keeper->now());
}

void Registry::heartbeat_many(std::span<const std::string_view> ids, std::span<BeatResult> results,
                              std::optional<Source> only) {
  impl_->keeper->leases().beat_many(ids, results, impl_->keeper->now(), only);
}

std::optional<Registry::Silence> Registry::silence(std::string_view id) const {
  const auto seen = impl_->keeper->leases().look(id);
  if (!seen) return std::nullopt;
  return Silence{std::max(Duration{0}, impl_->keeper->now() - seen->last_beat), seen->unverified};
}

void Registry::catch_up(std::move_only_function<void(Result<void>)> done) {
  impl_->parts.own.post([impl = impl_, done = std::move(done)]() mutable {
    impl->catching_up.push_back(std::move(done));
    impl->step();
  });
}

std::optional<ClusterView> Registry::cluster() const {
  return impl_->rounds ? std::optional(impl_->rounds->view()) : std::nullopt;
}

Duration Registry::lag() const {
  return impl_->rounds ? impl_->parts.clock.now() - impl_->freshness.as_of() : Duration{0};
}

bool Registry::in_touch() const { return !impl_->rounds || impl_->rounds->in_touch(); }

void Registry::with_store(std::move_only_function<void(Store&)> work) {
  impl_->parts.store_executor.post([impl = impl_, work = std::move(work)]() mutable { work(impl->parts.store); });
}

void Registry::drain(Task done) {
  impl_->parts.own.post([impl = impl_, done = std::move(done)]() mutable {
    impl->inbox.close();
    impl->growth->close();
    impl->drained = std::move(done);
    impl->step();
  });
}

RegistryStats Registry::stats() const {
  RegistryStats stats = impl_->counters.read();
  stats.queued = impl_->inbox.waiting();
  return stats;
}

bool Registry::writable(std::string* detail) const {
  const std::scoped_lock lock(impl_->mutex);
  if (detail != nullptr) *detail = impl_->unwritable;
  return impl_->unwritable.empty();
}

}  // namespace rollcall
