#include "disk.hpp"

#include "crash/crash_vfs.hpp"
#include "store/memory/memory_store.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace rollcall::sim {
namespace {

/// The log object is the disk: an acknowledged commit is durable by contract, and nothing else is kept.
class MemoryDisk final : public Disk {
 public:
  explicit MemoryDisk(const Limits& limits) : limits_(limits) {}

  Result<std::unique_ptr<Store>> open() override {
    return make_memory_store(log_, limits_.store, limits_.registry.tombstone_life);
  }
  std::shared_ptr<Membership> membership(NodeId node) override { return make_memory_membership(log_, node); }
  void end_session(NodeId node) override { rollcall::end_session(*log_, node); }
  void plan_fault() override {}
  bool has_failed() override { return false; }
  void stop() override {}
  void restart() override {}

 private:
  const Limits& limits_;
  std::shared_ptr<MemoryLog> log_ = make_memory_log();
};

/// SQLite on a disk that knows what was synced, and forgets the rest when its power goes.
class SqliteDisk final : public Disk {
 public:
  explicit SqliteDisk(World& world) : world_(world), random_(world.random.fork("disk")) {}

  Result<std::unique_ptr<Store>> open() override {
    SqliteOptions options;
    options.path = "/sim.db";
    options.limits = world_.config.limits.store;
    options.tombstone_life = world_.config.limits.registry.tombstone_life;
    options.vfs = disk_.vfs();
    options.generation = Generation{1};
    // Small, so that checkpoints fall into every run.
    options.tuning.checkpoint_pages = 50;
    return open_sqlite_store(options);
  }

  void plan_fault() override {
    constexpr std::size_t kSoon = 12;
    const auto fault = random_.chance(0.5) ? testing::Fault::io_error : testing::Fault::lying_sync;
    disk_.plan(fault, disk_.steps() + 1 + random_.below(kSoon), 1 + random_.below(3));
    told_ = false;
  }
  bool has_failed() override { return disk_.struck() && !std::exchange(told_, true); }

  void stop() override { disk_.plan(testing::Fault::crash, disk_.steps() + 1, UINT32_MAX); }

  void restart() override {
    const auto kinds = {testing::Survival::synced_only, testing::Survival::everything, testing::Survival::torn};
    disk_.power_cut(*(kinds.begin() + random_.below(kinds.size())), random_.next());
  }

 private:
  World& world_;
  SimRandom random_;
  testing::CrashDisk disk_;
  bool told_ = true;
};

}  // namespace

std::unique_ptr<Disk> make_disk(World& world) {
  if (world.config.engine == Engine::sqlite) return std::make_unique<SqliteDisk>(world);
  return std::make_unique<MemoryDisk>(world.config.limits);
}

}  // namespace rollcall::sim
