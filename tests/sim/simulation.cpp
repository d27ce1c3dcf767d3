#include "simulation.hpp"

#include "base/log.hpp"
#include "catalog_check.hpp"
#include "desk.hpp"
#include "disk.hpp"
#include "lease_model.hpp"
#include "log_model.hpp"
#include "owners.hpp"
#include "process.hpp"
#include "watchers.hpp"
#include "world.hpp"

namespace rollcall::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kCheckEvery = 200ms;
constexpr int kChecksPerCatalogCheck = 5;
constexpr Duration kLongestDeregisterAfter = 6s;
/// A request that is under way, a stalled process or one that is down may take so long from the last fault on.
constexpr Duration kLongestDelay = 32s;
constexpr Duration kSettling = 8s;
/// Between two faults of the process, so that it gets to serve.
constexpr Duration kRespite = 2s;
/// A run that makes so many events for each step goes round in circles.
constexpr std::uint64_t kEventsPerStep = 10'000;
constexpr std::size_t kAllEvents = 1'000'000;

class Simulation {
 public:
  explicit Simulation(const Options& options)
      : options_(options),
        world_(options.seed, options.print_trace),
        disk_(make_disk(world_)),
        log_(world_),
        leases_(world_),
        desk_(world_, log_, leases_),
        owners_(world_, desk_),
        watchers_(world_, log_),
        catalog_check_(world_, log_),
        random_(world_.random.fork("faults")) {
    log_.listen([this](const Event& event, const InstancePtr& before) {
      leases_.follow(event, before);
      owners_.follow(event);
    });
  }

  Report run() {
    begin();
    while (world_.verdict.ok() && owners_.sent() < options_.steps) step();
    if (world_.verdict.ok()) settle();
    Report report = make_report();
    if (process_) stop_process();
    return report;
  }

 private:
  void begin() {
    world_.note("{}", describe(world_.config));
    start_process();
    act_later();
    check_later();
    const auto& config = world_.config;
    fault_later(config.crash_every, [this] { crash_or_restart(); });
    fault_later(config.stall_every, [this] { stall_process(); });
    fault_later(config.io_stall_every, [this] { stall_io(); });
    fault_later(config.wall_jump_every, [this] { jump_wall(); });
    fault_later(config.disk_full_every, [this] { fill_disk(); });
  }

  void step() {
    world_.scheduler.run_one(MonoTime::max());
    if (world_.crash_wanted) crash();
    if (world_.scheduler.events_run() > kEventsPerStep * (options_.steps + 100)) {
      world_.verdict.broken("a run ends", "{} events", world_.scheduler.events_run());
    }
  }

  void settle() {
    world_.note("settling");
    world_.quiet = true;
    disk_state_.full_until = {};
    owners_.settle();
    const MonoTime end = world_.now() + kLongestDelay + world_.config.ttl_max + kLongestDeregisterAfter + kSettling;
    while (world_.verdict.ok() && world_.scheduler.run_one(end)) {
      if (world_.crash_wanted) crash();
    }
    if (!process_) world_.verdict.broken("the process serves in the end", "it didn't start");
    if (!world_.verdict.ok()) return;
    check_all();
    owners_.check_settled(log_);
    watchers_.check_settled();
    if (desk_.waiting() > 0) world_.verdict.broken("every request is answered", "{} wait", desk_.waiting());
    if (process_->catalog().revision() != log_.last()) {
      world_.verdict.broken("the catalog is at the end in the end", "{}", process_->catalog().revision().value);
    }
  }

  // ---- what goes on all the time ----

  void act_later() {
    world_.scheduler.after(random_.about(world_.config.action_every), [this] {
      if (world_.quiet) return;
      owners_.act();
      if (random_.chance(0.01)) watchers_.act();
      act_later();
    });
  }

  void check_later() {
    world_.scheduler.after(kCheckEvery, [this] {
      check_all();
      check_later();
    });
  }

  void check_all() {
    check_errors();
    if (!process_) return;
    leases_.check_overdue(log_);
    desk_.check_overdue();
    desk_.check_silences();
    watchers_.check_awake();
    if (++checks_ % kChecksPerCatalogCheck == 0 || world_.quiet) catalog_check_.check();
  }

  void check_errors() {
    const auto errors = log::lines_written(log::Level::error);
    if (errors != errors_seen_ && !world_.store_failed_lately()) {
      world_.verdict.broken("errors have causes", "an error-level line that no fault explains (see --trace)");
    }
    errors_seen_ = errors;
  }

  // ---- the process ----

  void start_process() {
    if (crashes_ > 0) world_.grace.add(down_since_, world_.now());
    auto engine = disk_->open();
    if (!engine) {
      world_.verdict.broken("the engine works", "open: {}", engine.error().message);
      return;
    }
    check_reopened(**engine);
    world_.process_lives = true;
    process_ = std::make_unique<Process>(world_, std::move(*engine), log_, *disk_, disk_state_, leases_);
    if (auto started = process_->start(); !started) {
      world_.note("start failed: {}", started.error().message);
      world_.process_lives = false;
      process_.reset();
      return start_later(200ms);
    }
    world_.note("process starts at revision {}", process_->began_at().value);
    if (crashes_ > 0) leases_.restarted();
    desk_.open(*process_);
    catalog_check_.begin(*process_);
    catalog_check_.check();
    watchers_.connect(*process_);
  }

  /// A commit whose outcome nobody came to know may be there: it belongs to the log from here on.
  void check_reopened(Store& engine) {
    const auto newer = engine.read(log_.last(), kAllEvents);
    const auto snapshot = engine.snapshot();
    if (!newer || !snapshot) {
      world_.verdict.broken("the engine works", "a log that was opened can't be read");
      return;
    }
    log_.absorb(*newer);
    log_.check_reopened(*snapshot);
  }

  void start_later(Duration delay) {
    world_.scheduler.after(delay, [this] { start_process(); });
  }

  void stop_process() {
    world_.process_lives = false;
    world_.crash_wanted = world_.stopping = false;
    desk_.close();
    watchers_.disconnect();
    catalog_check_.end();
    process_.reset();
  }

  void crash() {
    world_.note("process ends");
    ++crashes_;
    down_since_ = world_.now();
    // Beats that were read late, or not at all, are younger than the marks that were saved.
    const bool stalled = stalled_until_ != MonoTime{};
    if (stalled && leases_.marks_read_after() < stalled_until_ + world_.config.ttl_max / 2 + kRespite) {
      owners_.excuse_beats_until_next();
    }
    leases_.crashed();
    process_stalled_until_ = {};
    disk_->stop();
    stop_process();
    disk_->restart();
    start_later(random_.chance(0.5) ? random_.between(10ms, 500ms) : random_.about(4s));
  }

  // ---- faults ----

  void fault_later(Duration every, std::function<void()> fault) {
    if (every == Duration{0}) return;
    world_.scheduler.after(kRespite + random_.about(every), [this, every, fault = std::move(fault)]() mutable {
      if (world_.quiet) return;
      if (process_) fault();
      fault_later(every, std::move(fault));
    });
  }

  void crash_or_restart() {
    if (random_.chance(0.7)) {
      world_.crash_wanted = true;
      return;
    }
    world_.note("process drains");
    world_.stopping = true;
    process_->registry().drain([this] {
      if (desk_.waiting() > 0) world_.verdict.broken("a drained process has answered", "{} wait", desk_.waiting());
      world_.crash_wanted = true;
    });
  }

  void stall_process() {
    const Duration length = random_.chance(0.3) ? random_.between(20ms, 500ms) : random_.about(3s);
    const bool unreachable = random_.chance(0.5);
    world_.note("process stalls for {:.3f} s{}", std::chrono::duration<double>(length).count(),
                unreachable ? ", unreachable" : "");
    const MonoTime end = world_.now() + length;
    const Duration blind = end - std::max(world_.now(), std::min(process_stalled_until_, end));
    process_stalled_until_ = std::max(process_stalled_until_, end);
    stalled_until_ = std::max(stalled_until_, end);
    process_->stall_until(end);
    if (unreachable) world_.unreachable_until = world_.now() + length;
    world_.excuse(length + 1s);
    world_.scheduler.after(length, [this, blind, life = crashes_] {
      if (process_ && crashes_ == life) leases_.blind_for(blind);
    });
  }

  void stall_io() {
    const Duration length = random_.chance(0.5) ? random_.between(20ms, 500ms) : random_.about(2s);
    const auto thread = random_.below(world_.config.io_threads);
    world_.note("I/O thread {} stalls for {:.3f} s", thread, std::chrono::duration<double>(length).count());
    stalled_until_ = std::max(stalled_until_, world_.now() + length);
    process_->io_thread(thread).stall_until(world_.now() + length);
    world_.excuse(length + 500ms);
  }

  void jump_wall() {
    const Duration offset = random_.between(-15min, 15min);
    world_.note("wall clock jumps to {:.1f} s", std::chrono::duration<double>(offset).count());
    world_.clock.set_wall_offset(offset);
  }

  void fill_disk() {
    const Duration length = random_.between(200ms, 10s);
    world_.note("disk full for {:.3f} s", std::chrono::duration<double>(length).count());
    disk_state_.full_until = world_.now() + length;
  }

  // ---- the end ----

  Report make_report() const {
    Report report{.ok = world_.verdict.ok(),
                  .hash = world_.trace.hash(),
                  .steps = owners_.sent(),
                  .events = world_.scheduler.events_run(),
                  .revisions = log_.last().value,
                  .crashes = crashes_,
                  .virtual_seconds = std::chrono::duration<double>(world_.now() - MonoTime{1000s}).count(),
                  .invariant = {},
                  .failure = {}};
    if (!report.ok) {
      const auto& broken = *world_.verdict.what();
      report.invariant = broken.invariant;
      report.failure = fmt::format("seed {}, step {}, {:.6f} s\n\n", options_.seed, owners_.sent(),
                                   std::chrono::duration<double>(world_.now().time_since_epoch()).count());
      for (const auto& line : world_.trace.last_lines()) report.failure += line + "\n";
      report.failure +=
          fmt::format("\nbroken: {}\n        {}\nrun:    {}\nrepeat: ./dev sim --seed {} --steps {} --trace\n",
                      broken.invariant, broken.detail, describe(world_.config), options_.seed, options_.steps);
    }
    return report;
  }

  const Options options_;
  World world_;
  std::unique_ptr<Disk> disk_;
  DiskState disk_state_;
  LogModel log_;
  LeaseModel leases_;
  Desk desk_;
  Owners owners_;
  Watchers watchers_;
  CatalogCheck catalog_check_;
  SimRandom random_;
  std::unique_ptr<Process> process_;
  MonoTime stalled_until_{};          // any thread of the process
  MonoTime process_stalled_until_{};  // all of them
  MonoTime down_since_{};
  std::uint64_t crashes_ = 0;
  std::uint64_t checks_ = 0;
  std::uint64_t errors_seen_ = log::lines_written(log::Level::error);
};

}  // namespace

// Simulated faults make the daemon complain: its lines are counted, and shown when the trace is.
Report simulate(const Options& options) {
  constexpr auto kNothing = static_cast<log::Level>(std::to_underlying(log::Level::error) + 1);
  log::set_level(options.print_trace ? log::Level::info : kNothing);
  return Simulation(options).run();
}

}  // namespace rollcall::sim
