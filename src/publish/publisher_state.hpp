#pragma once
// What a publisher tells of itself: to whoever asks, and to the log where it changes.
#include <atomic>
#include <mutex>
#include <string>

#include "publish/publisher.hpp"

namespace rollcall {

class PublisherState {
 public:
  /// `name`: of the publisher, in the log.
  explicit PublisherState(std::string name) : name_(std::move(name)) {}

  /// `where`: for people, without secrets.
  void connected(const std::string& where);
  /// Logged once, however often it is met in a row.
  void met(const std::string& trouble, bool still_connected = false);
  void disconnected();
  [[nodiscard]] PublisherHealth health() const;

  void interrupt() noexcept { interrupted_.store(true); }
  void resume() noexcept { interrupted_.store(false); }
  [[nodiscard]] bool interrupted() const noexcept { return interrupted_.load(); }

 private:
  const std::string name_;
  std::atomic<bool> interrupted_{false};
  mutable std::mutex mutex_;
  PublisherHealth health_;  // guarded by mutex_
  std::string logged_;      // guarded by mutex_
};

}  // namespace rollcall
