#pragma once
#include <functional>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/ids.hpp"
#include "model/sample.hpp"

namespace rollcall {

/// The latest sample of each instance, whoever took it. Any thread; a short lock.
class SampleTable {
 public:
  /// Hears of each sample, on the thread that puts it.
  using Hear = std::function<void(const InstanceId&, const Sample&)>;
  explicit SampleTable(Hear hear = {}) : hear_(std::move(hear)) {}

  void put(const InstanceId& id, const Sample& sample);
  void erase(const InstanceId& id);
  [[nodiscard]] std::optional<Sample> find(const InstanceId& id) const;
  [[nodiscard]] std::size_t size() const;

  // ---- where several nodes tell each other ----
  /// From now on take_news() gives what was put.
  void keep_news();
  /// The newest of each instance that was put since the last call.
  [[nodiscard]] std::vector<InstanceSample> take_news();
  /// What take_news() gave is news again, unless something newer is.
  void give_back(const std::vector<InstanceSample>& news);
  /// What another node has put, and so no news here. Left out where there is a newer one.
  void put_heard(const InstanceId& id, const Sample& sample);
  /// Erases the samples of instances that `is_there` doesn't know, which is called with the lock held.
  void erase_unless(const std::function<bool(const InstanceId&)>& is_there);

 private:
  const Hear hear_;
  mutable std::mutex mutex_;
  std::unordered_map<InstanceId, Sample> samples_;  // guarded by mutex_, as are the others
  std::unordered_set<InstanceId> news_;
  bool keeps_news_ = false;
};

}  // namespace rollcall
