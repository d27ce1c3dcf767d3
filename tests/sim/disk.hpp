#pragma once
#include <memory>

#include "base/error.hpp"
#include "store/membership.hpp"
#include "store/store.hpp"
#include "world.hpp"

namespace rollcall::sim {

/// What outlives the process: a log, and a way to open a real engine on it.
class Disk {
 public:
  virtual ~Disk() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<Store>> open() = 0;

  /// Where those that share the log meet; only of a log in memory. What outlives the process that was given it is its
  /// session.
  [[nodiscard]] virtual std::shared_ptr<Membership> membership(NodeId) { return nullptr; }
  /// As the server does where it takes a node for gone.
  virtual void end_session(NodeId) {}

  /// One of the next steps goes wrong.
  virtual void plan_fault() = 0;
  /// A planned fault has struck since the disk was last asked.
  [[nodiscard]] virtual bool has_failed() = 0;

  /// From here to restart() nothing more is written: the process is being killed, or the machine stops.
  virtual void stop() = 0;
  /// Every handle is closed. What wasn't made durable may be gone.
  virtual void restart() = 0;
};

[[nodiscard]] std::unique_ptr<Disk> make_disk(World& world);

}  // namespace rollcall::sim
