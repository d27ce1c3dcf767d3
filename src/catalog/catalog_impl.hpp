#pragma once
// What Catalog, CatalogReader and Watcher share. Private to this folder.
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "catalog/directory.hpp"
#include "catalog/instance_index.hpp"
#include "catalog/published.hpp"
#include "catalog/service_state.hpp"
#include "catalog/watch_hub.hpp"

namespace rollcall {

struct Catalog::Impl {
  Impl(Encoders with, const CatalogLimits& limits)
      : encoders(std::move(with)), hub(std::make_shared<WatchHub>(limits.recent_events)) {}

  ServiceState& state_of(const ServiceName& name);
  void mark(ServiceState& state);
  void apply_one(const Event& event);
  void put(ServiceState& state, const InstancePtr& instance);
  void leave(const InstanceIndex::Living& before);
  void flush_touched();
  void publish_touched(Revision revision);

  void begin_reset(bool other_generation);
  void load(const InstancePtr& instance);
  void load_tombstones(const std::vector<Tombstone>& tombstones);
  void publish_all(Revision revision);
  void retire(const std::string& name);

  const Encoders encoders;
  InstanceIndex index;
  const std::shared_ptr<SlotTable> slots = std::make_shared<SlotTable>();
  const std::shared_ptr<WatchHub> hub;
  std::atomic<std::uint64_t> revision{0};
  std::atomic<std::uint64_t> generation{0};

  // The applying thread's alone:
  NameMap<std::unique_ptr<ServiceState>> services;
  std::vector<ServiceState*> touched;
  std::vector<std::string> emptied;  ///< to be forgotten in time, unless they come back
  Directory directory;
  Scratch scratch;
};

}  // namespace rollcall
