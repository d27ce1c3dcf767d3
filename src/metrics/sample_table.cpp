#include "metrics/sample_table.hpp"

namespace rollcall {

void SampleTable::put(const InstanceId& id, const Sample& sample) {
  if (hear_) hear_(id, sample);
  const std::scoped_lock lock(mutex_);
  samples_[id] = sample;
}

void SampleTable::erase(const InstanceId& id) {
  const std::scoped_lock lock(mutex_);
  samples_.erase(id);
}

std::optional<Sample> SampleTable::find(const InstanceId& id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = samples_.find(id);
  if (found == samples_.end()) return std::nullopt;
  return found->second;
}

std::size_t SampleTable::size() const {
  const std::scoped_lock lock(mutex_);
  return samples_.size();
}

}  // namespace rollcall
