// Starting over from a snapshot.
#include <algorithm>
#include <utility>

#include "catalog/catalog_impl.hpp"

namespace rollcall {
namespace {

/// Encoded pieces that wait for their lists at most, so that loading a million needs little besides the result.
constexpr std::size_t kScratchMost = std::size_t{4} << 20;

}  // namespace

void Catalog::Impl::begin_reset(bool other_generation) {
  index.clear();
  directory.clear();
  touched.clear();
  scratch.clear();
  for (auto& [name, state] : services) {
    // Within one generation a service's last revision never falls, even if the snapshot has forgotten it.
    state->clear(other_generation);
    mark(*state);
  }
}

void Catalog::Impl::load(const InstancePtr& instance) {
  auto& state = state_of(instance->spec.service);
  mark(state);
  state.learn(instance->modified, instance->registered_at, std::max(instance->registered_at, instance->status_since));
  if (!state.first_created || instance->created < state.first_created) state.first_created = instance->created;
  put(state, instance);
  if (scratch.size() > kScratchMost) flush_touched();
}

void Catalog::Impl::load_tombstones(const std::vector<Tombstone>& tombstones) {
  std::vector<const Tombstone*> in_order;
  in_order.reserve(tombstones.size());
  for (const auto& tombstone : tombstones) in_order.push_back(&tombstone);
  std::ranges::sort(in_order, {}, [](const Tombstone* t) { return std::pair(t->removed_at, t->instance->modified); });
  for (const auto* tombstone : in_order) {
    const auto& instance = tombstone->instance;
    auto& state = state_of(instance->spec.service);
    mark(state);
    state.learn(instance->modified, instance->registered_at, tombstone->removed_at);
    index.bury(instance, tombstone->removed_at);
  }
}

void Catalog::Impl::publish_all(Revision newest) {
  std::ranges::sort(touched, {}, [](const ServiceState* state) {
    return std::pair(state->first_created, state->service().name.view());
  });
  publish_touched(newest);
}

void Catalog::reset(const Snapshot& snapshot) {
  auto& impl = *impl_;
  const bool same_log = snapshot.generation == generation() && snapshot.revision >= revision();
  const bool nothing_missed = same_log && snapshot.revision == revision();
  impl.begin_reset(!same_log);
  impl.index.reserve(snapshot.instances.size());
  impl.load_tombstones(snapshot.tombstones);
  for (const auto& instance : snapshot.instances) impl.load(instance);
  impl.publish_all(snapshot.revision);
  if (!same_log) {
    // What another log said of services that this one doesn't know means nothing any more.
    std::erase_if(impl.emptied, [&](const std::string& name) {
      if (impl.services.find(name)->second->service().revision) return false;
      impl.retire(name);
      return true;
    });
  }
  impl.generation.store(snapshot.generation.value, std::memory_order_release);
  if (!nothing_missed) impl.hub->start_over(snapshot.revision, !same_log);
}

}  // namespace rollcall
