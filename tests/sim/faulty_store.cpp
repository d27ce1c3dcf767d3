#include "faulty_store.hpp"

#include <memory>
#include <utility>

namespace rollcall::sim {
namespace {

using namespace std::chrono_literals;

/// After a fault the registry waits before it tries again, and what it then does takes its time.
constexpr Duration kRecovery = 3s;
/// A planned fault may strike several steps, and a quiet disk takes its time to make them.
constexpr Duration kDiskAftermath = 30s;

}  // namespace

FaultyStore::FaultyStore(Node& node, Store& engine, LogModel& log, Disk& disk, const DiskState& state,
                         LeaseRules& leases)
    : ForwardingStore(engine),
      node_(node),
      world_(node.world),
      engine_(engine),
      log_(log),
      disk_(disk),
      state_(state),
      leases_(leases),
      random_(world_.random.fork("store")) {}

bool FaultyStore::disk_is_full() const { return world_.now() < state_.full_until; }

void FaultyStore::note_fault(std::string_view what) {
  node_.note("store fault: {}", what);
  world_.store_failed();
  world_.excuse(kRecovery);
}

void FaultyStore::spend_time() {
  if (!world_.quiet && random_.chance(world_.config.slow_commit)) {
    const Duration slow = random_.between(50ms, 3s);
    note_fault("slow");
    world_.excuse(slow + kRecovery);
    return world_.scheduler.spend(slow);
  }
  world_.scheduler.spend(random_.between(100us, 3ms));
}

FaultyStore::Fate FaultyStore::draw_fate() {
  if (!node_.lives || disk_is_full()) return Fate::refused;
  if (std::exchange(node_.store_hung, false)) return Fate::half_way;
  if (node_.is_store_cut()) return Fate::refused;
  if (world_.quiet) return Fate::done;
  if (random_.chance(world_.config.crash_in_commit)) return Fate::crash;
  if (!random_.chance(world_.config.store_fault)) return Fate::done;
  return random_.chance(0.5) ? Fate::refused : Fate::half_way;
}

bool FaultyStore::read_fails() {
  if (node_.is_store_cut() || std::exchange(node_.store_hung, false)) return true;
  return !node_.lives || (!world_.quiet && random_.chance(world_.config.store_fault));
}

void FaultyStore::judge(const Error& error) {
  if (is_answer(error.code)) return node_.note("store: {}", error.message);
  note_fault(fmt::format("{}: {}", name_of(error.code), error.message));
  if (disk_.has_failed()) failed_at_ = world_.now();
  const bool explained = failed_at_ && world_.now() - *failed_at_ < kDiskAftermath;
  const bool allowed = error.code == ErrorCode::unavailable || error.code == ErrorCode::unknown_outcome;
  if (!explained || !allowed) {
    world_.verdict.broken("the engine works", "{}: {}", name_of(error.code), error.message);
  }
}

/// Others prune what this node hasn't read, and judge in a later term.
bool FaultyStore::is_answer(ErrorCode code) const {
  return world_.config.nodes > 1 && (code == ErrorCode::compacted || code == ErrorCode::conflict);
}

void FaultyStore::on_growth(Grown grown) {
  if (world_.config.nodes == 1) return ForwardingStore::on_growth(std::move(grown));
  grown_ = std::make_shared<Grown>(std::move(grown));
  ForwardingStore::on_growth([this](Revision newest) { hear_of(newest); });
}

void FaultyStore::hear_of(Revision newest) {
  if (node_.is_store_cut()) return;
  world_.scheduler.after(random_.between(100us, 5ms), [weak = std::weak_ptr(grown_), newest] {
    if (const auto grown = weak.lock()) (*grown)(newest);
  });
}

void FaultyStore::tell_missed() {
  if (grown_) hear_of(log_.last());
}

void FaultyStore::check_terms(const ChangeBatch& batch, const CommitResult& result) {
  for (std::size_t i = 0; i < batch.changes.size() && world_.config.nodes > 1; ++i) {
    const Change& change = batch.changes[i];
    const bool ends = change.kind == EventKind::removed || change.instance.lapsed;
    if (!result.outcomes[i] || change.cause.writer != "lease" || !ends) continue;
    if (change.term == world_.newest_term) continue;
    world_.verdict.broken("only the reaper ends leases", "{} was ended in term {}, while {} is the newest",
                          change.instance.id.view(), change.term.value, world_.newest_term.value);
  }
}

void FaultyStore::tell_model() {
  constexpr std::size_t kAll = 1'000'000;
  const auto events = engine_.read(log_.last(), kAll);
  if (!events) return judge(events.error());
  log_.absorb(*events);
}

Result<CommitResult> FaultyStore::commit_for_sure(const ChangeBatch& batch) {
  if (!world_.quiet && random_.chance(world_.config.store_fault)) disk_.plan_fault();
  auto result = engine_.commit(batch);
  if (!result) {
    must_read_ = in_doubt_ = result.error().code == ErrorCode::unknown_outcome;
    judge(result.error());
    return result;
  }
  tell_model();
  check_terms(batch, *result);
  for (const auto& outcome : result->outcomes) {
    if (!outcome) node_.note("store conflict: {}", outcome.error().message);
  }
  return result;
}

Result<CommitResult> FaultyStore::commit_half_way(const ChangeBatch& batch, bool crash) {
  const bool done = random_.chance(0.5);
  note_fault(fmt::format("commit {} half-way, {}", crash ? "crashes" : "fails", done ? "done" : "not done"));
  if (done && !commit_for_sure(batch)) world_.note("and the disk failed too");
  must_read_ = true;
  if (crash) {
    node_.lives = false;
    node_.crash_wanted = true;
  }
  return fail(ErrorCode::unknown_outcome, "simulated: the connection to the disk broke");
}

Result<CommitResult> FaultyStore::commit(const ChangeBatch& batch) {
  world_.commit_began = world_.now();
  if (must_read_) world_.verdict.broken("after an unknown outcome the log is read", "a commit came first");
  const Fate fate = draw_fate();
  spend_time();
  node_.note("commit of {} after {}", batch.changes.size(), batch.seen.value);
  switch (fate) {
    case Fate::done:
      return commit_for_sure(batch);
    case Fate::refused:
      note_fault("refused");
      return fail(ErrorCode::unavailable, "simulated: disk full");
    case Fate::half_way:
      return commit_half_way(batch, false);
    case Fate::crash:
      return commit_half_way(batch, true);
  }
  std::unreachable();
}

void FaultyStore::lose_history_meanwhile() {
  constexpr double kLost = 0.2;
  if (in_doubt_ || world_.quiet || !random_.chance(kLost)) return;
  for (auto more = engine_.prune(world_.clock.wall_now()); more && *more;) {
    more = engine_.prune(world_.clock.wall_now());
  }
}

Result<std::vector<EventPtr>> FaultyStore::read(Revision after, std::size_t limit) {
  spend_time();
  if (read_fails()) {
    note_fault("read");
    return fail(ErrorCode::unavailable, "simulated: read failed");
  }
  if (must_read_) lose_history_meanwhile();
  auto events = engine_.read(after, limit);
  if (!events && events.error().code == ErrorCode::compacted) {
    node_.note("{}", events.error().message);
    if (world_.config.nodes > 1) world_.excuse(world_.config.ttl_max);  // any of what it can't read may be a renewal
    if (after.value + 1 >= engine_.health().oldest.value) {
      world_.verdict.broken("the engine works", "after {}: {}", after.value, events.error().message);
    }
    return events;
  }
  if (!events) {
    judge(events.error());
    return events;
  }
  must_read_ = false;
  if (std::exchange(in_doubt_, false)) tell_model();
  return events;
}

Result<Snapshot> FaultyStore::snapshot() {
  const bool starting = !std::exchange(started_, true);
  if (!starting) spend_time();
  if (read_fails()) {
    if (!starting) note_fault("snapshot");
    return fail(ErrorCode::unavailable, "simulated: snapshot failed");
  }
  auto snapshot = engine_.snapshot();
  if (!snapshot) {
    judge(snapshot.error());
    return snapshot;
  }
  must_read_ = false;
  snapshot_at_ = snapshot->revision;
  if (std::exchange(in_doubt_, false)) tell_model();
  return snapshot;
}

// What an unknown commit has made is to be read before it can go: the model has to know it.
Result<bool> FaultyStore::prune(WallTime now) {
  const Fate fate = draw_fate();
  spend_time();
  if (fate != Fate::done || in_doubt_) {
    note_fault("not pruned");
    return fail(ErrorCode::unavailable, "simulated: disk full");
  }
  auto more = engine_.prune(now);
  if (!more) judge(more.error());
  return more;
}

Result<void> FaultyStore::save_leases(const LeaseMarks& marks) {
  const Fate fate = draw_fate();
  spend_time();
  if (fate != Fate::done) {
    note_fault("leases not saved");
    return fail(ErrorCode::unavailable, "simulated: disk full");
  }
  auto saved = engine_.save_leases(marks);
  if (!saved) {
    leases_.perhaps_saved();
    judge(saved.error());
  } else {
    leases_.saved(marks);
  }
  return saved;
}

Result<LeaseMarks> FaultyStore::load_leases() {
  if (read_fails()) return fail(ErrorCode::unavailable, "simulated: leases not read");
  return engine_.load_leases();
}

StoreHealth FaultyStore::health() {
  auto health = engine_.health();
  if (disk_is_full()) health = {.writable = false, .detail = "simulated: disk full", .bytes = 0, .oldest = {}};
  return health;
}

}  // namespace rollcall::sim
