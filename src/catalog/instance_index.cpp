#include "catalog/instance_index.hpp"

#include <utility>
#include <vector>

namespace rollcall {

InstancePtr InstanceIndex::find(std::string_view id) const {
  const auto key = key_of(id);
  const auto& in = shard(key);
  const std::scoped_lock lock(in.mutex);
  const auto found = in.living.find(key);
  return found == in.living.end() ? nullptr : found->instance;
}

std::optional<Known> InstanceIndex::known(std::string_view id) const {
  const auto key = key_of(id);
  const auto& in = shard(key);
  const std::scoped_lock lock(in.mutex);
  if (const auto found = in.living.find(key); found != in.living.end()) {
    return Known{.instance = found->instance, .removed = false, .removed_at = {}};
  }
  if (const auto found = in.buried.find(key); found != in.buried.end()) {
    return Known{.instance = found->instance, .removed = true, .removed_at = found->removed_at};
  }
  return std::nullopt;
}

const InstanceIndex::Living* InstanceIndex::living(std::string_view id) const {
  const auto key = key_of(id);
  const auto& in = shard(key);
  const auto found = in.living.find(key);
  return found == in.living.end() ? nullptr : &*found;
}

void InstanceIndex::put(InstancePtr instance, std::uint32_t position) {
  const auto key = key_of(instance->id.view());
  auto& in = shard(key);
  InstancePtr old;  // dies after the lock
  const std::scoped_lock lock(in.mutex);
  const auto [at, added] = in.living.insert(Living{instance, position});
  if (!added) {
    // Same id, same hash: the element may change in place.
    auto& record = const_cast<Living&>(*at);
    old = std::exchange(record.instance, std::move(instance));
    record.position = position;
    return;
  }
  if (in.buried.empty()) return;
  if (const auto grave = in.buried.find(key); grave != in.buried.end()) {
    turns_.erase(grave->turn);
    in.buried.erase(grave);
  }
}

void InstanceIndex::bury(InstancePtr instance, WallTime removed_at) {
  const auto key = key_of(instance->id.view());
  auto& in = shard(key);
  const std::scoped_lock lock(in.mutex);
  if (const auto found = in.living.find(key); found != in.living.end()) in.living.erase(found);
  if (const auto grave = in.buried.find(key); grave != in.buried.end()) {
    turns_.erase(grave->turn);
    in.buried.erase(grave);
  }
  turns_.push_back(instance->id.view());
  in.buried.insert(Buried{std::move(instance), removed_at, std::prev(turns_.end())});
}

void InstanceIndex::forget_buried(WallTime cutoff) {
  while (!turns_.empty()) {
    const auto key = key_of(turns_.front());
    auto& in = shard(key);
    const std::scoped_lock lock(in.mutex);
    const auto grave = in.buried.find(key);
    if (grave->removed_at >= cutoff) return;
    turns_.pop_front();
    in.buried.erase(grave);
  }
}

void InstanceIndex::clear() {
  turns_.clear();
  for (auto& each : shards_) {
    Table<Living> living;
    Table<Buried> buried;
    const std::scoped_lock lock(each.mutex);
    living.swap(each.living);
    buried.swap(each.buried);
  }
}

void InstanceIndex::reserve(std::size_t instances) {
  const auto share = instances / shards_.size();
  for (auto& each : shards_) {
    const std::scoped_lock lock(each.mutex);
    each.living.reserve(share + share / 16);
  }
}

void InstanceIndex::for_each(const std::function<void(const InstancePtr&)>& visit) const {
  std::vector<InstancePtr> living;
  for (const auto& each : shards_) {
    living.clear();
    {
      const std::scoped_lock lock(each.mutex);
      for (const auto& record : each.living) living.push_back(record.instance);
    }
    for (const auto& instance : living) visit(instance);
  }
}

}  // namespace rollcall
