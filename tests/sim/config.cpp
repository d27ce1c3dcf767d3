#include "config.hpp"

#include <fmt/format.h>

namespace rollcall::sim {
namespace {

using namespace std::chrono_literals;

// A fault is absent in about half of the seeds, and otherwise comes at very different rates.
Duration maybe_every(SimRandom& random, Duration low, Duration high) {
  return random.chance(0.5) ? random.between(low, high) : Duration{0};
}
double maybe(SimRandom& random, double most) { return random.chance(0.5) ? random.unit() * most : 0; }

void draw_limits(SimRandom& random, Limits& limits) {
  limits.registry.changes_per_commit = 1 + random.below(random.chance(0.5) ? 8 : 512);
  limits.registry.expiries_per_commit = 1 + random.below(random.chance(0.5) ? 4 : 256);
  limits.registry.queued_commands = random.chance(0.2) ? 4 + random.below(12) : 65'536;
  if (random.chance(0.5)) {
    const Duration age = random.chance(0.4) ? 0s : random.between(0s, 30s);
    limits.store.history_age = std::chrono::floor<std::chrono::milliseconds>(age);
    limits.store.prune_events = 1 + random.below(random.chance(0.5) ? 16 : 1024);
  }
  limits.catalog.recent_events = random.chance(0.6) ? 4 + random.below(60) : 65'536;
}

void draw_faults(SimRandom& random, Config& config) {
  config.crash_every = maybe_every(random, 8s, 60s);
  config.stall_every = maybe_every(random, 8s, 40s);
  config.io_stall_every = maybe_every(random, 3s, 30s);
  config.wall_jump_every = maybe_every(random, 10s, 60s);
  config.disk_full_every = maybe_every(random, 15s, 60s);
  config.store_fault = maybe(random, 0.05);
  config.slow_commit = maybe(random, 0.05);
  config.crash_in_commit = config.crash_every > 0s ? maybe(random, 0.004) : 0;
  config.hiccup = maybe(random, 0.002);
  config.lost = maybe(random, 0.1);
  config.delayed = maybe(random, 0.2);
  config.duplicated = maybe(random, 0.2);
}

// Silence is counted in quarters of fence_after, between meetings that are up to a second apart.
void draw_cluster(SimRandom random, Config& config) {
  config.engine = Engine::memory;
  config.store_cut_every = maybe_every(random, 8s, 40s);
  config.membership_cut_every = maybe_every(random, 8s, 40s);
  config.session_end_every = maybe_every(random, 4s, 40s);
  config.meeting_fault = maybe(random, 0.02);
  config.slow_meeting = maybe(random, 0.02);
  config.lonely = random.chance(0.2);
  const Duration fence_after = random.chance(0.7) ? random.between(2s, 5s) : Duration{10s};
  config.limits.cluster.fence_after = std::chrono::floor<std::chrono::milliseconds>(fence_after);
}

std::string describe_cluster(const Config& c) {
  if (c.nodes == 1) return {};
  const auto seconds = [](Duration d) { return std::chrono::duration<double>(d).count(); };
  return fmt::format(
      "; {} nodes, fenced after {:.1f} s; every so many s: cut from the store {:.0f}, from the others {:.0f}, session "
      "ended {:.0f}; meeting fault {:.3f}, slow meeting {:.3f}{}",
      c.nodes, seconds(c.limits.cluster.fence_after), seconds(c.store_cut_every), seconds(c.membership_cut_every),
      seconds(c.session_end_every), c.meeting_fault, c.slow_meeting, c.lonely ? "; lonely" : "");
}

}  // namespace

Config draw_config(SimRandom& random, std::size_t nodes) {
  Config config;
  config.engine = random.chance(0.25) ? Engine::sqlite : Engine::memory;
  config.io_threads = 1 + random.below(3);
  config.owners = 2 + random.below(random.chance(0.2) ? 60 : 14);
  config.services = 1 + random.below(4);
  config.watchers = 1 + random.below(6);
  config.action_every = random.chance(0.3) ? random.between(1ms, 10ms) : random.between(10ms, 300ms);
  config.ttl_min = random.chance(0.7) ? Duration{1s} : random.between(1s, 5s);
  config.ttl_max = config.ttl_min + random.between(0s, 8s);
  config.reliable_owners = random.unit();
  config.lasting_critical = random.unit() * 0.6;
  draw_faults(random, config);
  draw_limits(random, config.limits);
  config.nodes = nodes;
  if (nodes > 1) draw_cluster(random.fork("cluster"), config);
  return config;
}

std::string describe(const Config& c) {
  const auto seconds = [](Duration d) { return std::chrono::duration<double>(d).count(); };
  return fmt::format(
             "{} engine, {} I/O threads, {} owners, {} services, {} watchers, an action every {:.3f} s, ttl {:.1f} to "
             "{:.1f} "
             "s; "
             "every so many s: crash {:.0f}, stall {:.0f}, I/O stall {:.0f}, wall jump {:.0f}, full disk {:.0f}; "
             "store fault {:.3f}, slow commit {:.3f}, crash in commit {:.4f}, hiccup {:.4f}, lost {:.2f}, delayed "
             "{:.2f}, "
             "duplicated {:.2f}; {} changes and {} expiries a commit, queue of {}, {} recent events, a history of "
             "{:.1f} s, "
             "{} "
             "events pruned at a time",
             c.engine == Engine::memory ? "memory" : "sqlite", c.io_threads, c.owners, c.services, c.watchers,
             seconds(c.action_every), seconds(c.ttl_min), seconds(c.ttl_max), seconds(c.crash_every),
             seconds(c.stall_every), seconds(c.io_stall_every), seconds(c.wall_jump_every), seconds(c.disk_full_every),
             c.store_fault, c.slow_commit, c.crash_in_commit, c.hiccup, c.lost, c.delayed, c.duplicated,
             c.limits.registry.changes_per_commit, c.limits.registry.expiries_per_commit,
             c.limits.registry.queued_commands, c.limits.catalog.recent_events, seconds(c.limits.store.history_age),
             c.limits.store.prune_events) +
         describe_cluster(c);
}

}  // namespace rollcall::sim
