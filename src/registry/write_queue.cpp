// The one queue: requests are judged in batches, committed together, applied together, answered.
#include <algorithm>
#include <iterator>

#include "base/log.hpp"
#include "registry/registry_impl.hpp"

namespace rollcall {
namespace {

constexpr Duration kRetry = std::chrono::seconds{1};
constexpr std::string_view kLogger = "registry";

}  // namespace

void Registry::Impl::step() {
  inbox.take(queue);
  while (!is_busy() && plan_batch()) {
  }
  follow_others();
  finish_drain();
}

/// One batch from the queue to the Store, or answered at once where it changes nothing. False: nothing was left to
/// do.
bool Registry::Impl::plan_batch() {
  WriteBatch batch(parts.catalog, parts.clock.wall_now(), parts.limits);
  plan_requests(batch);
  plan_verdicts(batch);
  if (batch.requests() == 0) return false;
  in_flight.emplace(std::move(batch));
  if (in_flight->changes().changes.empty()) {
    settle(
        [](WriteBatch& settled, const WriteBatch::Followers& followers) { settled.settle(CommitResult{}, followers); });
  } else {
    commit();
  }
  return true;
}

void Registry::Impl::plan_requests(WriteBatch& batch) {
  std::ptrdiff_t planned = 0;
  for (; !queue.empty() && batch.requests() < parts.limits.registry.changes_per_commit; ++planned) {
    Pending pending = std::move(queue.front());
    queue.pop_front();
    handled = std::max(handled, pending.sequence);
    auto* wanted = std::get_if<Register>(&pending.request);
    if (wanted != nullptr && !wanted->id) wanted->id = InstanceId(make_uuid(parts.random));
    if (wanted != nullptr && rounds) wanted->by_event = is_overdue(*wanted->id);
    settle_claim_first(pending, batch);
    // Claims are made on this thread too: from here on there is none that would end what is about to be confirmed.
    // Not if the life begins in this batch: the lease under its id is the earlier life's until then.
    if (const auto renewed = batch.plan(std::move(pending)); renewed && renewed->created) {
      (void)keeper->leases().beat(renewed->id.view(), {}, keeper->now());
    }
  }
  inbox.left(planned);
}

/// By what this node knows: the one that judges may have done so.
bool Registry::Impl::is_overdue(const InstanceId& id) const {
  const LeaseTable& leases = keeper->leases();
  const auto lease = leases.find(id.view());
  const auto seen = lease ? leases.look(*lease) : std::nullopt;
  return seen && seen->last_beat + leases.terms(*lease).lease.ttl <= keeper->now();
}

void Registry::Impl::plan_verdicts(WriteBatch& batch) {
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
void Registry::Impl::settle_claim_first(const Pending& pending, WriteBatch& batch) {
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

void Registry::Impl::commit() {
  ask();
  parts.store_executor.post([self = shared_from_this(), changes = &in_flight->changes()] {
    auto result = std::make_shared<Result<CommitResult>>(self->parts.store.commit(*changes));
    self->parts.own.post([self, result] { self->committed(*result); });
  });
}

void Registry::Impl::committed(const Result<CommitResult>& result) {
  if (result) {
    counters.commits.fetch_add(1, std::memory_order_relaxed);
    committed_at = parts.clock.now();
    set_writable({});
    apply(result->events);
    answered({});
    settle([&](WriteBatch& batch, const WriteBatch::Followers& followers) { batch.settle(*result, followers); });
  } else if (result.error().code == ErrorCode::compacted) {
    return judge_anew();
  } else {
    counters.failures.fetch_add(1, std::memory_order_relaxed);
    set_writable(result.error().message);
    answered(std::unexpected(result.error()));
    if (result.error().code != ErrorCode::unavailable) return answer_and_recover(result.error());
    settle([&](WriteBatch& batch, const WriteBatch::Followers& followers) { batch.settle(result.error(), followers); });
  }
  step();
}

/// Others have written, and pruned since, what this node hasn't seen: nothing was done. The same requests are judged by
/// the state as it is now.
void Registry::Impl::judge_anew() {
  settle([](WriteBatch& batch, const WriteBatch::Followers& followers) { batch.give_back(followers); });
  std::ranges::move(std::exchange(being_caught_up, {}), std::back_inserter(catching_up));
  recovering = true;
  read_on();
}

void Registry::Impl::settle(const std::function<void(WriteBatch&, const WriteBatch::Followers&)>& with) {
  WriteBatch batch = std::move(*in_flight);
  in_flight.reset();
  std::vector<Pending> again, doubted;  // in their order
  WriteBatch::Followers followers{
      .try_again =
          [&](Pending pending) {
            counters.conflicts.fetch_add(1, std::memory_order_relaxed);
            again.push_back(std::move(pending));
          },
      .undone = [this](const Reaper::Verdict& verdict) { take_back(verdict); },
      .doubtful = {},
  };
  if (rounds) followers.doubtful = [&](Pending pending) { doubted.push_back(std::move(pending)); };
  with(batch, followers);
  queue_again(std::move(again));
  if (!doubted.empty()) check(std::move(doubted));
}

void Registry::Impl::queue_again(std::vector<Pending> again) {
  inbox.left(-std::ssize(again));
  queue.insert(queue.begin(), std::make_move_iterator(again.begin()), std::make_move_iterator(again.end()));
}

/// Judged again when this node has everything that was in the log when they came.
void Registry::Impl::check(std::vector<Pending> doubted) {
  doubtful += doubted.size();
  const MonoTime came_first = parts.clock.now() - (keeper->now() - doubted.front().arrived);
  const auto judge_again =
      [this, doubted = std::make_shared<std::vector<Pending>>(std::move(doubted))](const Result<void>& caught_up) {
        doubtful -= doubted->size();
        for (Pending& pending : *doubted) {
          pending.checked = true;
          if (!caught_up && pending.done) pending.done(fail(ErrorCode::unavailable, caught_up.error().message));
        }
        if (caught_up) queue_again(std::move(*doubted));
      };
  catching_up.push_back({judge_again, came_first});
}

void Registry::Impl::apply(std::span<const EventPtr> events) {
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

void Registry::Impl::set_writable(std::string why_not) {
  const std::scoped_lock lock(mutex);
  if (unwritable.empty() && !why_not.empty()) log::error(kLogger, "the store can't take writes: {}", why_not);
  if (!unwritable.empty() && why_not.empty()) log::info(kLogger, "the store takes writes again");
  unwritable = std::move(why_not);
  if (!unwritable.empty()) keeper->probe_store();
}

void Registry::Impl::take_back(const Reaper::Verdict& verdict) {
  keeper->reaper().take_back(verdict, keeper->now() + kRetry);
}

/// Nobody waits for a Store that may be away for long.
void Registry::Impl::refuse_waiting(std::string_view why, Duration longer_than) {
  inbox.take(queue);
  const LeaseTime now = keeper->now();
  std::ptrdiff_t refused = 0;
  for (; !queue.empty() && now - queue.front().arrived >= longer_than; ++refused) {
    Pending pending = std::move(queue.front());
    queue.pop_front();
    handled = std::max(handled, pending.sequence);
    if (pending.done) pending.done(fail(ErrorCode::unavailable, std::string(why)));
  }
  inbox.left(refused);
}

void Registry::Impl::answer_late() {
  if (!rounds || !is_busy()) return;
  const Duration patience = parts.limits.cluster.answer_within;
  const MonoTime now = parts.clock.now();
  if (in_flight) {
    in_flight->answer_early({ErrorCode::unknown_outcome, "the database hasn't said yet whether this was done", {}},
                            keeper->now() - patience);
  }
  refuse_waiting("the database doesn't answer", patience);
  const auto is_late = [&](CatchUp& waiting) {
    if (now - waiting.since < patience) return false;
    waiting.done(fail(ErrorCode::unavailable, "the database doesn't say what has happened meanwhile"));
    return true;
  };
  std::erase_if(being_caught_up, is_late);
  std::erase_if(catching_up, is_late);
}

}  // namespace rollcall
