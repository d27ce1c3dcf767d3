#pragma once
#include <memory>

#include "base/error.hpp"
#include "store/store.hpp"
#include "world.hpp"

namespace rollcall::sim {

/// What outlives the process: a log, and a way to open a real engine on it.
class Disk {
 public:
  virtual ~Disk() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<Store>> open() = 0;

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
