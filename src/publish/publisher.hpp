#pragma once
// The Publisher contract: where messages go that tell others what has changed.
//
// A Publisher knows nothing of the log: the outbox owns position, order, retry and back-pressure, and hands it one
// batch at a time. All but interrupt() and health() block, and are called from one thread at a time.
#include <cstddef>
#include <span>
#include <string>

#include "base/clock.hpp"

namespace rollcall {

struct Message {
  std::string routing_key;
  std::string body;  ///< a JSON object
  std::string id;    ///< of this message alone: whoever gets it twice can tell
  WallTime at;       ///< when what it tells has happened
};

struct PublisherHealth {
  bool connected = false;
  std::string trouble{};  ///< what keeps it from publishing, without secrets; empty while nothing does
};

class Publisher {
 public:
  virtual ~Publisher() = default;

  /// Sends in order, connecting first where that's needed. How many of the first are confirmed: where they went they
  /// are safe now. Fewer than all: health() says why, and the rest may have arrived or not.
  [[nodiscard]] virtual std::size_t publish(std::span<const Message> batch) = 0;

  /// Called every now and then while there is nothing to publish: connects, or keeps the connection alive.
  virtual void tend() = 0;

  virtual void disconnect() = 0;

  /// Any thread. From now on no call blocks for long, until resume().
  virtual void interrupt() = 0;
  virtual void resume() = 0;

  /// Any thread, also while a call blocks.
  [[nodiscard]] virtual PublisherHealth health() const = 0;
};

}  // namespace rollcall
