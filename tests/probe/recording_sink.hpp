#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "discovery/provider.hpp"

namespace rollcall::probe_test {

/// Keeps what a provider reports, and lets a test wait for it.
class RecordingSink final : public ProviderSink {
 public:
  struct State {
    std::map<std::string, Sighting> now;  ///< by id: seen and not gone
    std::map<std::string, Sample> samples;
    std::map<std::string, Cause> gone;
    std::vector<Sighting> history;
  };

  void seen(Sighting sighting) override {
    change([&](State& state) {
      state.history.push_back(sighting);
      state.gone.erase(sighting.id.str());
      state.now.insert_or_assign(sighting.id.str(), std::move(sighting));
    });
  }
  void gone(InstanceId id, Cause cause) override {
    change([&](State& state) {
      state.now.erase(id.str());
      state.gone.insert_or_assign(id.str(), std::move(cause));
    });
  }
  void sampled(const InstanceId& id, const Sample& sample) override {
    change([&](State& state) { state.samples.insert_or_assign(id.str(), sample); });
  }

  /// Waits until `condition` holds of the state; false when `bound` is over first.
  bool wait_for(std::chrono::milliseconds bound, const std::function<bool(const State&)>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, bound, [&] { return condition(state_); });
  }
  [[nodiscard]] State state() {
    const std::lock_guard lock(mutex_);
    return state_;
  }

 private:
  void change(const std::function<void(State&)>& step) {
    const std::lock_guard lock(mutex_);
    step(state_);
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  State state_;  // guarded by mutex_
};

inline std::string metadata_of(const Sighting& sighting, std::string_view key) {
  for (const auto& [name, value] : sighting.spec.metadata)
    if (name == key) return value;
  return "";
}

}  // namespace rollcall::probe_test
