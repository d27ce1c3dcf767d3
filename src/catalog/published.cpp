#include "catalog/published.hpp"

namespace rollcall {

std::shared_ptr<const ServiceSlot> SlotTable::find(std::string_view name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = slots_.find(name);
  return found == slots_.end() ? nullptr : found->second;
}

std::shared_ptr<ServiceSlot> SlotTable::add(std::string_view name) {
  auto slot = std::make_shared<ServiceSlot>();
  const std::scoped_lock lock(mutex_);
  slots_.insert_or_assign(std::string(name), slot);
  names_added_.fetch_add(1, std::memory_order_release);
  return slot;
}

void SlotTable::retire(std::string_view name) {
  const std::scoped_lock lock(mutex_);
  const auto found = slots_.find(name);
  if (found == slots_.end()) return;
  found->second->retired.store(true, std::memory_order_release);
  slots_.erase(found);
  names_retired_.fetch_add(1, std::memory_order_release);
}

}  // namespace rollcall
