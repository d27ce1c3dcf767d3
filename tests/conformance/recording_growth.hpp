#pragma once
// Notes what a Store tells of the log's growth, and waits for it.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "store/store.hpp"

namespace rollcall::testing {

class RecordingGrowth {
 public:
  /// What to hand to the Store, which may outlive this.
  [[nodiscard]] Store::Grown note() {
    return [heard = heard_](Revision newest) {
      const std::scoped_lock lock(heard->mutex);
      heard->newest = std::max(heard->newest, newest);
      heard->changed.notify_all();
    };
  }

  /// False: it wasn't told of that revision within `most`.
  [[nodiscard]] bool comes_to(Revision revision, std::chrono::milliseconds most = std::chrono::seconds{20}) {
    std::unique_lock lock(heard_->mutex);
    return heard_->changed.wait_for(lock, most, [&] { return heard_->newest >= revision; });
  }

  void forget() {
    const std::scoped_lock lock(heard_->mutex);
    heard_->newest = {};
  }

 private:
  struct Heard {
    std::mutex mutex;
    std::condition_variable changed;
    Revision newest;  // guarded by mutex
  };
  const std::shared_ptr<Heard> heard_ = std::make_shared<Heard>();
};

}  // namespace rollcall::testing
