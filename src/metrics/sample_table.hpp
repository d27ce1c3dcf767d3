#pragma once
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/ids.hpp"
#include "model/sample.hpp"

namespace rollcall {

/// The latest sample of each instance. Any thread; a short lock.
class SampleTable {
 public:
  /// Hears of each sample, on the thread that puts it.
  using Hear = std::function<void(const InstanceId&, const Sample&)>;
  explicit SampleTable(Hear hear = {}) : hear_(std::move(hear)) {}

  void put(const InstanceId& id, const Sample& sample);
  void erase(const InstanceId& id);
  [[nodiscard]] std::optional<Sample> find(const InstanceId& id) const;
  [[nodiscard]] std::size_t size() const;

 private:
  const Hear hear_;
  mutable std::mutex mutex_;
  std::unordered_map<InstanceId, Sample> samples_;  // guarded by mutex_
};

}  // namespace rollcall
