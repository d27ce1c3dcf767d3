#include "publish/publisher_state.hpp"

#include <utility>

#include "base/log.hpp"

namespace rollcall {

void PublisherState::connected(const std::string& where) {
  const std::scoped_lock lock(mutex_);
  if (!health_.connected || !health_.trouble.empty()) log::info(name_, "publishing to {}", where);
  health_ = {.connected = true};
  logged_.clear();
}

void PublisherState::met(const std::string& trouble, bool still_connected) {
  const std::scoped_lock lock(mutex_);
  health_ = {.connected = still_connected, .trouble = trouble};
  if (std::exchange(logged_, trouble) != trouble) log::warning(name_, "{}", trouble);
}

void PublisherState::disconnected() {
  const std::scoped_lock lock(mutex_);
  health_ = {};
}

PublisherHealth PublisherState::health() const {
  const std::scoped_lock lock(mutex_);
  return health_;
}

}  // namespace rollcall
