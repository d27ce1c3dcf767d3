#pragma once
// A publisher that confirms as told.
#include <algorithm>
#include <string>
#include <vector>

#include "publish/publisher.hpp"

namespace rollcall::testing {

class RecordingPublisher final : public Publisher {
 public:
  bool down = false;
  std::size_t confirms_at_most = 1'000'000;  ///< of a batch; the rest arrives all the same, unconfirmed
  std::vector<Message> arrived;
  std::size_t calls = 0, largest_batch = 0;
  bool interrupted = false, disconnected = false;

  std::size_t publish(std::span<const Message> batch) override {
    ++calls;
    largest_batch = std::max(largest_batch, batch.size());
    if (down || interrupted) return 0;
    arrived.insert(arrived.end(), batch.begin(), batch.end());
    return std::min(batch.size(), confirms_at_most);
  }
  void tend() override { ++calls; }
  void disconnect() override { disconnected = true; }
  void interrupt() override { interrupted = true; }
  void resume() override { interrupted = false; }
  [[nodiscard]] PublisherHealth health() const override { return {.connected = !down}; }

  /// Of those that `begin` so.
  [[nodiscard]] std::vector<std::string> ids(std::string_view end = "") const {
    std::vector<std::string> ids;
    for (const auto& message : arrived) {
      if (message.id.ends_with(end)) ids.push_back(message.id);
    }
    return ids;
  }
  [[nodiscard]] std::size_t count(std::string_view key) const {
    return static_cast<std::size_t>(std::ranges::count(arrived, key, &Message::routing_key));
  }
};

}  // namespace rollcall::testing
