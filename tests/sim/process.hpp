#pragma once
// The daemon from start to crash: the real registry and catalog on simulated threads.
#include <memory>
#include <vector>

#include "catalog/catalog.hpp"
#include "disk.hpp"
#include "faulty_membership.hpp"
#include "faulty_store.hpp"
#include "registry/registry.hpp"
#include "sim_thread.hpp"

namespace rollcall::sim {

class Observer;
class Orchestrator;

/// What every life of every process is about.
struct Surroundings {
  LogModel& log;
  LeaseRules& leases;
  Disk& disk;
  DiskState& disk_state;
  Orchestrator& orchestrator;
};

/// Notes when it was given something to do: a report tells what was heard up to then.
class ReportingExecutor final : public Executor {
 public:
  ReportingExecutor(Node& node, SimThread& thread) : node_(node), thread_(thread) {}
  void post(Task task) override {
    node_.reported_at = node_.world.now();
    thread_.post(std::move(task));
  }
  TimerId post_at(MonoTime when, Task task) override { return thread_.post_at(when, std::move(task)); }
  void cancel(TimerId timer) override { thread_.cancel(timer); }

 private:
  Node& node_;
  SimThread& thread_;
};

class Process {
 public:
  /// `membership`: null where no other process shares the log.
  Process(Node& node, std::unique_ptr<Store> engine, const Surroundings& around,
          std::unique_ptr<FaultyMembership> membership);
  /// As by kill -9: what its threads had yet to do is dropped.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] Result<void> start();

  [[nodiscard]] Registry& registry() noexcept { return *registry_; }
  [[nodiscard]] Catalog& catalog() noexcept { return *catalog_; }
  [[nodiscard]] const Catalog& catalog() const noexcept { return *catalog_; }
  [[nodiscard]] SimThread& io_thread(std::size_t index) noexcept { return *io_threads_[index % io_threads_.size()]; }
  /// Where its log in memory begins.
  [[nodiscard]] Revision began_at() const noexcept { return store_.snapshot_at(); }

  void stall_until(MonoTime when);
  [[nodiscard]] SimThread& store_thread() noexcept { return store_thread_; }
  [[nodiscard]] SimThread& cluster_thread() noexcept { return *cluster_thread_; }
  [[nodiscard]] FaultyStore& store() noexcept { return store_; }

 private:
  [[nodiscard]] Registry::Parts parts(Node& node);

  std::vector<std::unique_ptr<SimThread>> io_threads_;
  SimThread registry_thread_;
  SimThread store_thread_;
  SimTurnBarrier turns_;
  SimRandom random_;
  std::unique_ptr<Store> engine_;
  FaultyStore store_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<FaultyMembership> membership_;
  std::unique_ptr<SimThread> cluster_thread_;  // null where no other process shares the log, as the membership
  std::optional<ReportingExecutor> cluster_executor_;
  std::optional<ClusterParts> cluster_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Observer> observer_;
};

/// What the catalog's views are made of here: enough to recognise each instance and its revision.
[[nodiscard]] Encoders make_encoders();

}  // namespace rollcall::sim
