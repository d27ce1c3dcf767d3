#include "simulation.hpp"

#include <algorithm>
#include <deque>

#include "base/log.hpp"
#include "desk.hpp"
#include "disk.hpp"
#include "fresh_reads.hpp"
#include "host.hpp"
#include "lease_model.hpp"
#include "log_model.hpp"
#include "orchestrator.hpp"
#include "owners.hpp"
#include "promise_model.hpp"
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
/// A run that makes so many events for each step goes round in circles.
constexpr std::uint64_t kEventsPerStep = 10'000;

std::deque<Node> make_nodes(World& world) {
  std::deque<Node> nodes;
  for (std::size_t i = 0; i < world.config.nodes; ++i) nodes.emplace_back(world, i);
  return nodes;
}

class Simulation {
 public:
  explicit Simulation(const Options& options)
      : options_(options),
        world_(options.seed, options.nodes, options.print_trace),
        nodes_(make_nodes(world_)),
        disk_(make_disk(world_)),
        log_(world_),
        alone_(world_),
        shared_(world_),
        desk_(world_, log_, leases()),
        owners_(world_, desk_, nodes_),
        orchestrator_(world_, desk_, nodes_),
        watchers_(world_, log_, nodes_),
        fresh_reads_(world_, log_),
        random_(world_.random.fork("faults")) {
    log_.listen([this](const Event& event, const InstancePtr& before) {
      leases().follow(event, before);
      owners_.follow(event);
    });
    make_hosts();
  }

  Report run() {
    begin();
    while (world_.verdict.ok() && owners_.sent() < options_.steps) step();
    if (world_.verdict.ok()) settle();
    return make_report();
  }

 private:
  [[nodiscard]] bool is_shared() const { return world_.config.nodes > 1; }
  [[nodiscard]] LeaseRules& leases() {
    if (is_shared()) return shared_;
    return alone_;
  }

  void make_hosts() {
    std::vector<Node*> all;
    for (Node& node : nodes_) all.push_back(&node);
    for (Node& node : nodes_) {
      hosts_.emplace_back(Host::Parts{.node = node,
                                      .around = {log_, leases(), *disk_, disk_state_, orchestrator_},
                                      .desk = desk_,
                                      .owners = owners_,
                                      .watchers = watchers_,
                                      .fresh_reads = fresh_reads_,
                                      .random = random_,
                                      .all = all,
                                      .alone = is_shared() ? nullptr : &alone_});
    }
  }

  void begin() {
    world_.note("{}", describe(world_.config));
    for (Host& host : hosts_) host.start();
    act_later();
    check_later();
    for (Host& host : hosts_) host.begin_faults();
  }

  void step() {
    world_.scheduler.run_one(MonoTime::max());
    for (Host& host : hosts_) host.crash_if_wanted();
    if (world_.scheduler.events_run() > kEventsPerStep * (options_.steps + 100)) {
      world_.verdict.broken("a run ends", "{} events", world_.scheduler.events_run());
    }
  }

  void settle() {
    world_.note("settling");
    world_.quiet = true;
    disk_state_.full_until = {};
    owners_.settle();
    for (Host& host : hosts_) host.come_back();
    const MonoTime end = world_.now() + settling();
    while (world_.verdict.ok() && world_.scheduler.run_one(end)) {
      for (Host& host : hosts_) host.crash_if_wanted();
    }
    for (Host& host : hosts_) {
      if (!host.is_up()) world_.verdict.broken("the process serves in the end", "{} didn't start", host.node().name);
    }
    if (!world_.verdict.ok()) return;
    check_all();
    check_settled();
  }

  [[nodiscard]] Duration settling() const {
    const auto& config = world_.config;
    const Duration longest = kLongestDelay + config.ttl_max + kLongestDeregisterAfter + kSettling;
    return is_shared() ? longest + config.limits.cluster.fence_after * 3 / 2 + config.ttl_max : longest;
  }

  void check_settled() {
    owners_.check_settled(log_);
    orchestrator_.check_settled(log_);
    watchers_.check_settled();
    if (desk_.waiting() > 0) world_.verdict.broken("every request is answered", "{} wait", desk_.waiting());
    std::size_t reapers = 0;
    for (Node& node : nodes_) {
      if (node.process->catalog().revision() != log_.last()) {
        world_.verdict.broken("the catalog is at the end in the end", "{}", node.process->catalog().revision().value);
      }
      if (is_shared()) reapers += check_agrees(node);
    }
    if (is_shared() && reapers != 1) world_.verdict.broken("one node is the reaper in the end", "{} are", reapers);
  }

  /// Returns 1 for the reaper.
  std::size_t check_agrees(Node& node) {
    const Registry& registry = node.process->registry();
    const auto view = registry.cluster();
    if (view->nodes.size() != nodes_.size() || !view->trouble.empty() || !registry.in_touch()) {
      world_.verdict.broken("nodes meet in the end", "{} sees {}: {}", node.name, view->nodes.size(), view->trouble);
    }
    desk_.check_silences(node, true);
    return static_cast<std::size_t>(std::ranges::count(view->offices, kReaperOffice));
  }

  // ---- what goes on all the time ----

  void act_later() {
    world_.scheduler.after(random_.about(world_.config.action_every), [this] {
      if (world_.quiet) return;
      owners_.act();
      if (random_.chance(0.1)) orchestrator_.act();
      if (random_.chance(0.01)) watchers_.act();
      if (is_shared() && random_.chance(0.05)) fresh_reads_.ask(random_.below(2) == 0 ? nodes_.front() : nodes_.back());
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
    if (std::ranges::none_of(hosts_, &Host::is_up)) return;
    leases().check_overdue(log_);
    desk_.check_overdue();
    const bool with_catalog = ++checks_ % kChecksPerCatalogCheck == 0 || world_.quiet;
    for (Host& host : hosts_) host.check(with_catalog);
    watchers_.check_awake();
  }

  void check_errors() {
    const auto errors = log::lines_written(log::Level::error);
    if (errors != errors_seen_ && !world_.store_failed_lately()) {
      world_.verdict.broken("errors have causes", "an error-level line that no fault explains (see --trace)");
    }
    errors_seen_ = errors;
  }

  // ---- the end ----

  Report make_report() const {
    Report report{.ok = world_.verdict.ok(),
                  .hash = world_.trace.hash(),
                  .steps = owners_.sent(),
                  .events = world_.scheduler.events_run(),
                  .revisions = log_.last().value,
                  .crashes = crashes(),
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
          fmt::format("\nbroken: {}\n        {}\nrun:    {}\nrepeat: ./dev sim{} --seed {} --steps {} --trace\n",
                      broken.invariant, broken.detail, describe(world_.config),
                      is_shared() ? fmt::format(" --nodes {}", options_.nodes) : "", options_.seed, options_.steps);
    }
    return report;
  }

  [[nodiscard]] std::uint64_t crashes() const {
    std::uint64_t sum = 0;
    for (const Host& host : hosts_) sum += host.crashes();
    return sum;
  }

  const Options options_;
  World world_;
  std::deque<Node> nodes_;
  std::unique_ptr<Disk> disk_;
  DiskState disk_state_;
  LogModel log_;
  LeaseModel alone_;     // judges where one node is alone
  PromiseModel shared_;  // judges where several share the log
  Desk desk_;
  Owners owners_;
  Orchestrator orchestrator_;
  Watchers watchers_;
  FreshReads fresh_reads_;
  SimRandom random_;
  std::deque<Host> hosts_;
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
