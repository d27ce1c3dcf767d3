#include "process.hpp"

namespace rollcall::sim {
namespace {

std::vector<std::unique_ptr<SimThread>> make_io_threads(World& world) {
  std::vector<std::unique_ptr<SimThread>> threads;
  for (std::size_t i = 0; i < world.config.io_threads; ++i) {
    threads.push_back(std::make_unique<SimThread>(world, fmt::format("io{}", i)));
  }
  return threads;
}

std::vector<SimThread*> pointers(const std::vector<std::unique_ptr<SimThread>>& threads) {
  std::vector<SimThread*> found;
  for (const auto& thread : threads) found.push_back(thread.get());
  return found;
}

}  // namespace

Encoders make_encoders() {
  return {.instance =
              [](const Instance& instance, std::string& out) {
                fmt::format_to(std::back_inserter(out), "{}@{}", instance.id.view(), instance.modified.value);
              },
          .service =
              [](const Service& service, std::string& out) {
                fmt::format_to(std::back_inserter(out), "{}@{}:{}", service.name.view(), service.revision.value,
                               service.counts.total());
              }};
}

Process::Process(World& world, std::unique_ptr<Store> engine, LogModel& log, Disk& disk, const DiskState& disk_state,
                 LeaseModel& leases)
    : io_threads_(make_io_threads(world)),
      registry_thread_(world, "registry"),
      store_thread_(world, "store"),
      turns_(pointers(io_threads_)),
      random_(world.random.fork("registry")),
      engine_(std::move(engine)),
      store_(world, *engine_, log, disk, disk_state, leases),
      catalog_(std::make_unique<Catalog>(make_encoders(), world.config.limits.catalog)),
      registry_(std::make_unique<Registry>(Registry::Parts{.own = registry_thread_,
                                                           .store_executor = store_thread_,
                                                           .store = store_,
                                                           .catalog = *catalog_,
                                                           .turns = turns_,
                                                           .clock = world.clock,
                                                           .random = random_,
                                                           .limits = world.config.limits})) {}

Process::~Process() {
  for (const auto& thread : io_threads_) thread->clear();
  registry_thread_.clear();
  store_thread_.clear();
}

Result<void> Process::start() {
  if (auto loaded = registry_->load(); !loaded) return loaded;
  registry_thread_.post([this] { registry_->start(); });
  return {};
}

void Process::stall_until(MonoTime when) {
  for (const auto& thread : io_threads_) thread->stall_until(when);
  registry_thread_.stall_until(when);
  store_thread_.stall_until(when);
}

}  // namespace rollcall::sim
