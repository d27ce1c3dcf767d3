#include "metrics/sample_table.hpp"

#include <utility>

namespace rollcall {

void SampleTable::put(const InstanceId& id, const Sample& sample) {
  if (hear_) hear_(id, sample);
  const std::scoped_lock lock(mutex_);
  samples_[id] = sample;
  if (keeps_news_) news_.insert(id);
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

void SampleTable::keep_news() {
  const std::scoped_lock lock(mutex_);
  keeps_news_ = true;
}

std::vector<InstanceSample> SampleTable::take_news() {
  const std::scoped_lock lock(mutex_);
  std::vector<InstanceSample> news;
  news.reserve(news_.size());
  for (const auto& id : std::exchange(news_, {})) {
    if (const auto found = samples_.find(id); found != samples_.end()) news.push_back({id, found->second});
  }
  return news;
}

void SampleTable::give_back(const std::vector<InstanceSample>& news) {
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, sample] : news) news_.insert(id);
}

void SampleTable::put_heard(const InstanceId& id, const Sample& sample) {
  {
    const std::scoped_lock lock(mutex_);
    auto& known = samples_[id];
    if (known.last_seen >= sample.last_seen) return;
    known = sample;
  }
  if (hear_) hear_(id, sample);
}

void SampleTable::erase_unless(const std::function<bool(const InstanceId&)>& is_there) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(samples_, [&](const auto& entry) { return !is_there(entry.first); });
}

}  // namespace rollcall
