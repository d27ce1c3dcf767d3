#include "host.hpp"

#include <algorithm>
#include <utility>

namespace rollcall::sim {
namespace {

using namespace std::chrono_literals;

/// Between two faults of the process, so that it gets to serve.
constexpr Duration kRespite = 2s;
/// What meetings take after a fault of them.
constexpr Duration kRounds = 3s;
constexpr std::size_t kAllEvents = 1'000'000;

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

Host::Host(Parts parts)
    : node_(parts.node),
      world_(node_.world),
      parts_(std::move(parts)),
      random_(parts_.random),
      catalog_check_(world_, parts_.around.log) {}

Host::~Host() {
  if (process_) stop();
}

// ---- its lives ----

void Host::start() {
  if (away_ || process_) return;
  if (crashes_ > 0) world_.grace.add(down_since_, world_.now());
  auto engine = parts_.around.disk.open();
  if (!engine) {
    world_.verdict.broken("the engine works", "open: {}", engine.error().message);
    return;
  }
  check_reopened(**engine);
  node_.lives = true;
  process_ = std::make_unique<Process>(node_, std::move(*engine), parts_.around, join());
  if (auto started = process_->start(); !started) {
    node_.note("start failed: {}", started.error().message);
    node_.lives = false;
    process_.reset();
    return start_later(200ms);
  }
  node_.process = process_.get();
  node_.note("process starts at revision {}", process_->began_at().value);
  if (crashes_ > 0) parts_.around.leases.restarted(node_);
  catalog_check_.begin(*process_);
  catalog_check_.check();
  parts_.watchers.connect(node_);
}

std::unique_ptr<FaultyMembership> Host::join() {
  if (parts_.all.size() == 1) return nullptr;
  node_.id = NodeId{random_.next() >> 1};
  session_ = parts_.around.disk.membership(node_.id);
  // Who came or went leaves everybody a ttl.
  world_.excuse(world_.config.ttl_max + kRounds);
  return std::make_unique<FaultyMembership>(node_, parts_.all, session_, parts_.around.leases);
}

/// A commit whose outcome nobody came to know may be there: it belongs to the log from here on.
void Host::check_reopened(Store& engine) {
  LogModel& log = parts_.around.log;
  const auto newer = engine.read(log.last(), kAllEvents);
  const auto snapshot = engine.snapshot();
  if (!newer || !snapshot) {
    world_.verdict.broken("the engine works", "a log that was opened can't be read");
    return;
  }
  log.absorb(*newer);
  log.check_reopened(*snapshot);
}

void Host::start_later(Duration delay) {
  world_.scheduler.after(delay, [this] { start(); });
}

void Host::stop() {
  node_.lives = false;
  node_.process = nullptr;
  node_.crash_wanted = node_.stopping = false;
  node_.store_hung = node_.membership_hung = false;
  parts_.desk.close(node_);
  parts_.fresh_reads.close(node_);
  parts_.watchers.disconnect(node_);
  catalog_check_.end();
  process_.reset();
}

void Host::crash_if_wanted() {
  if (node_.crash_wanted) crash();
}

void Host::crash() {
  node_.note("process ends");
  ++crashes_;
  down_since_ = world_.now();
  // Beats that were read late, or not at all, are younger than the marks that were saved.
  const bool stalled = parts_.alone != nullptr && stalled_until_ != MonoTime{};
  if (stalled && parts_.alone->marks_read_after() < stalled_until_ + world_.config.ttl_max / 2 + kRespite) {
    parts_.owners.excuse_beats_until_next();
  }
  parts_.around.leases.crashed(node_);
  process_stalled_until_ = {};
  parts_.around.disk.stop();
  stop();
  parts_.around.disk.restart();
  if (session_) lose_session();
  start_later(random_.chance(0.5) ? random_.between(10ms, 500ms) : random_.about(4s));
}

/// The server notices at once, or when nothing has come for a while.
void Host::lose_session() {
  const Duration notices = random_.chance(0.5) ? 0ms : world_.config.limits.postgres.silent_session;
  world_.scheduler.after(notices, [session = std::exchange(session_, nullptr)] {});
  excuse_silence(world_.config.limits.cluster.fence_after + notices);
}

void Host::go_away() {
  if (world_.quiet) return;
  away_ = true;
  if (process_ && !node_.stopping) drain();
}

void Host::come_back() {
  if (!away_) return;
  away_ = false;
  if (process_) return;
  down_since_ = world_.now();
  start();
}

void Host::check(bool with_catalog) {
  if (!process_) return;
  parts_.desk.check_silences(node_);
  if (parts_.all.size() > 1) parts_.fresh_reads.check(node_);
  if (with_catalog) catalog_check_.check();
}

// ---- its faults ----

void Host::begin_faults() {
  const auto& config = world_.config;
  fault_later(config.crash_every, [this] { crash_or_restart(); });
  fault_later(config.stall_every, [this] { stall(); });
  fault_later(config.io_stall_every, [this] { stall_io(); });
  if (node_.index == 0) {
    fault_later(config.wall_jump_every, [this] { jump_wall(); });
    fault_later(config.disk_full_every, [this] { fill_disk(); });
  }
  fault_later(config.store_cut_every, [this] { cut_from_store(); });
  fault_later(config.membership_cut_every, [this] { cut_from_others(); });
  fault_later(config.session_end_every, [this] { end_session(); });
  if (config.lonely && node_.index > 0) world_.scheduler.after(random_.between(2s, 6s), [this] { go_away(); });
}

void Host::fault_later(Duration every, std::function<void()> fault) {
  if (every == Duration{0}) return;
  world_.scheduler.after(kRespite + random_.about(every), [this, every, fault = std::move(fault)]() mutable {
    if (world_.quiet) return;
    if (process_) fault();
    fault_later(every, std::move(fault));
  });
}

void Host::crash_or_restart() {
  if (random_.chance(0.7)) {
    node_.crash_wanted = true;
    return;
  }
  drain();
}

void Host::drain() {
  node_.note("process drains");
  node_.stopping = true;
  process_->registry().drain([this] {
    const auto waiting = parts_.desk.waiting_at(node_);
    if (waiting > 0) world_.verdict.broken("a drained process has answered", "{} wait", waiting);
    node_.crash_wanted = true;
  });
}

void Host::stall() {
  const Duration length = random_.chance(0.3) ? random_.between(20ms, 500ms) : random_.about(3s);
  const bool unreachable = random_.chance(0.5);
  node_.note("process stalls for {:.3f} s{}", seconds(length), unreachable ? ", unreachable" : "");
  const MonoTime end = world_.now() + length;
  const Duration blind = end - std::max(world_.now(), std::min(process_stalled_until_, end));
  process_stalled_until_ = std::max(process_stalled_until_, end);
  stalled_until_ = std::max(stalled_until_, end);
  process_->stall_until(end);
  if (unreachable) node_.unreachable_until = world_.now() + length;
  world_.excuse(length + 1s);
  excuse_silence(length);
  world_.scheduler.after(length, [this, blind, life = crashes_] {
    if (process_ && crashes_ == life) parts_.around.leases.blind_for(blind);
  });
}

void Host::stall_io() {
  const Duration length = random_.chance(0.5) ? random_.between(20ms, 500ms) : random_.about(2s);
  const auto thread = random_.below(world_.config.io_threads);
  node_.note("I/O thread {} stalls for {:.3f} s", thread, seconds(length));
  stalled_until_ = std::max(stalled_until_, world_.now() + length);
  process_->io_thread(thread).stall_until(world_.now() + length);
  world_.excuse(length + 500ms);
  excuse_silence(length);
}

void Host::jump_wall() {
  const Duration offset = random_.between(-15min, 15min);
  world_.note("wall clock jumps to {:.1f} s", seconds(offset));
  world_.clock.set_wall_offset(offset);
}

void Host::fill_disk() {
  const Duration length = random_.between(200ms, 10s);
  world_.note("disk full for {:.3f} s", seconds(length));
  parts_.around.disk_state.full_until = world_.now() + length;
}

// ---- faults that only those meet who share a log ----

void Host::cut_from_store() {
  const Duration length = random_.chance(0.5) ? random_.between(50ms, 1s) : random_.about(3s);
  node_.store_hung = random_.chance(0.5);
  node_.note("cut off from the store for {:.3f} s{}", seconds(length), node_.store_hung ? ", calls hang" : "");
  node_.store_cut_until = world_.now() + length;
  if (node_.store_hung) process_->store_thread().stall_until(node_.store_cut_until);
  world_.excuse(length + kRounds);
  world_.store_failed();
  world_.scheduler.after(length, [this] {
    world_.store_failed();
    if (process_) process_->store().tell_missed();
  });
}

void Host::cut_from_others() {
  const Duration length = random_.chance(0.5) ? random_.between(50ms, 1s) : random_.about(3s);
  node_.membership_hung = random_.chance(0.5);
  node_.note("cut off from the others for {:.3f} s{}", seconds(length), node_.membership_hung ? ", calls hang" : "");
  node_.membership_cut_until = world_.now() + length;
  if (node_.membership_hung) process_->cluster_thread().stall_until(node_.membership_cut_until);
  excuse_silence(length);
}

void Host::end_session() {
  node_.note("its session ends on the server");
  parts_.around.disk.end_session(node_.id);
  world_.excuse(kRounds);
}

/// The others wait for its reports; where that takes too long for the server or for them, its offices pass on, and
/// everybody has a ttl.
void Host::excuse_silence(Duration length) {
  if (parts_.all.size() == 1) return;
  const auto& limits = world_.config.limits;
  world_.store_failed();
  const bool is_fenced = length + kRounds >= limits.cluster.fence_after;
  world_.excuse(length + kRounds + (is_fenced ? limits.cluster.fence_after / 2 + world_.config.ttl_max : 0s));
  if (length <= limits.postgres.silent_session) return;
  world_.scheduler.after(limits.postgres.silent_session, [this, id = node_.id] {
    if (process_ && node_.id == id) parts_.around.disk.end_session(id);
  });
}

}  // namespace rollcall::sim
