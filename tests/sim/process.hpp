#pragma once
// The daemon from start to crash: the real registry and catalog on simulated threads.
#include <memory>
#include <vector>

#include "catalog/catalog.hpp"
#include "disk.hpp"
#include "faulty_store.hpp"
#include "registry/registry.hpp"
#include "sim_thread.hpp"

namespace rollcall::sim {

class Process {
 public:
  Process(World& world, std::unique_ptr<Store> engine, LogModel& log, Disk& disk, const DiskState& disk_state,
          LeaseModel& leases);
  /// As by kill -9: what its threads had yet to do is dropped.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] Result<void> start();

  [[nodiscard]] Registry& registry() noexcept { return *registry_; }
  [[nodiscard]] Catalog& catalog() noexcept { return *catalog_; }
  [[nodiscard]] SimThread& io_thread(std::size_t index) noexcept { return *io_threads_[index % io_threads_.size()]; }
  /// Where its log in memory begins.
  [[nodiscard]] Revision began_at() const noexcept { return store_.snapshot_at(); }

  void stall_until(MonoTime when);

 private:
  std::vector<std::unique_ptr<SimThread>> io_threads_;
  SimThread registry_thread_;
  SimThread store_thread_;
  SimTurnBarrier turns_;
  SimRandom random_;
  std::unique_ptr<Store> engine_;
  FaultyStore store_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<Registry> registry_;
};

/// What the catalog's views are made of here: enough to recognise each instance and its revision.
[[nodiscard]] Encoders make_encoders();

}  // namespace rollcall::sim
