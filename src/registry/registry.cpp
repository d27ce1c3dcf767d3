#include "registry/registry.hpp"

#include <algorithm>

#include "registry/registry_impl.hpp"

namespace rollcall {
namespace {

constexpr Duration kPruneEvery = std::chrono::seconds{60};

}  // namespace

Registry::Impl::Impl(const Parts& given)
    : parts(given),
      keeper(std::make_shared<LeaseKeeper>(given)),
      rounds(given.cluster != nullptr ? std::make_shared<Rounds>(given, keeper) : nullptr),
      inbox(given.limits.registry.queued_commands) {}

void Registry::Impl::submit(Request request, Done done) {
  Pending pending{std::move(request), std::move(done), 0, keeper->now()};
  const auto entered = inbox.enter(pending);
  if (entered.refusal) return pending.done(std::unexpected(*entered.refusal));
  if (entered.wake) parts.own.post([self = shared_from_this()] { self->step(); });
}

Result<void> Registry::Impl::load() {
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

void Registry::Impl::start() {
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

void Registry::Impl::finish_drain() {
  if (!drained || is_busy() || keeper->saving() || !queue.empty() || doubtful != 0) return;
  keeper->save_last([rounds = rounds, done = std::exchange(drained, nullptr)]() mutable {
    rounds ? rounds->leave(std::move(done)) : done();
  });
}

void Registry::Impl::ticked() {
  answer_late();
  prune();
  step();
}

void Registry::Impl::prune() {
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
void Registry::Impl::measure_store() {
  counters.store_bytes.store(parts.store.health().bytes, std::memory_order_relaxed);
}

void Registry::Impl::marks_saved(const Result<void>& saved) {
  if (!recovering) set_writable(saved ? std::string() : saved.error().message);
  finish_drain();
}

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
  return impl_->told(leases.beat(key, session, impl_->keeper->now()));
}

void Registry::heartbeat_many(std::span<const std::string_view> ids, std::span<BeatResult> results,
                              std::optional<Source> only) {
  impl_->keeper->leases().beat_many(ids, results, impl_->keeper->now(), only);
  std::ranges::transform(results, results.begin(), [&](auto met) { return impl_->told(met); });
}

std::optional<Registry::Silence> Registry::silence(std::string_view id) const {
  const auto seen = impl_->keeper->leases().look(id);
  if (!seen) return std::nullopt;
  return Silence{std::max(Duration{0}, impl_->keeper->now() - seen->last_beat), seen->unverified};
}

void Registry::catch_up(std::move_only_function<void(Result<void>)> done) {
  impl_->parts.own.post([impl = impl_, done = std::move(done)]() mutable {
    impl->catching_up.push_back({std::move(done), impl->parts.clock.now()});
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
