#include "process.hpp"

#include "observer.hpp"

namespace rollcall::sim {
namespace {

std::vector<std::unique_ptr<SimThread>> make_io_threads(Node& node) {
  std::vector<std::unique_ptr<SimThread>> threads;
  for (std::size_t i = 0; i < node.world.config.io_threads; ++i) {
    threads.push_back(std::make_unique<SimThread>(node, fmt::format("io{}", i)));
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

Process::Process(Node& node, std::unique_ptr<Store> engine, const Surroundings& around,
                 std::unique_ptr<FaultyMembership> membership)
    : io_threads_(make_io_threads(node)),
      registry_thread_(node, "registry"),
      store_thread_(node, "store"),
      turns_(pointers(io_threads_)),
      random_(node.world.random.fork("registry")),
      engine_(std::move(engine)),
      store_(node, *engine_, around.log, around.disk, around.disk_state, around.leases),
      catalog_(std::make_unique<Catalog>(make_encoders(), node.world.config.limits.catalog)),
      membership_(std::move(membership)) {
  if (membership_) {
    cluster_thread_ = std::make_unique<SimThread>(node, "cluster");
    cluster_executor_.emplace(node, *cluster_thread_);
    cluster_.emplace(ClusterParts{.membership = *membership_,
                                  .executor = *cluster_executor_,
                                  .card = {node.name, {}, {}},
                                  .offices = {std::string(kObserversOffice)},
                                  .offices_changed = [this](const auto& held) { observer_->hold(held); }});
  }
  registry_ = std::make_unique<Registry>(parts(node));
  observer_ = std::make_unique<Observer>(node, around.orchestrator, *registry_, registry_thread_, *catalog_);
}

Registry::Parts Process::parts(Node& node) {
  return {.own = registry_thread_,
          .store_executor = store_thread_,
          .store = store_,
          .catalog = *catalog_,
          .turns = turns_,
          .clock = node.world.clock,
          .random = random_,
          .limits = node.world.config.limits,
          .cluster = cluster_ ? &*cluster_ : nullptr};
}

Process::~Process() {
  for (const auto& thread : io_threads_) thread->clear();
  registry_thread_.clear();
  store_thread_.clear();
  if (cluster_thread_) cluster_thread_->clear();
}

Result<void> Process::start() {
  if (auto loaded = registry_->load(); !loaded) return loaded;
  registry_thread_.post([this] {
    registry_->start();
    if (!cluster_) observer_->start();
  });
  return {};
}

void Process::stall_until(MonoTime when) {
  for (const auto& thread : io_threads_) thread->stall_until(when);
  registry_thread_.stall_until(when);
  store_thread_.stall_until(when);
  if (cluster_thread_) cluster_thread_->stall_until(when);
  observer_->thread().stall_until(when);
}

}  // namespace rollcall::sim
