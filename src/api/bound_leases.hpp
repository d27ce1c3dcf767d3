#pragma once
// Instances that are bound to connections: when the peer's kernel closes one, what is bound to it goes at once, or
// after its grace unless another connection has taken it over. How a connection ended is told, not judged here; an end
// of our own making proves nothing, so that its instances live on by their ttl.
//
// Whether an instance is bound, and with which grace, is written in its metadata: a daemon that starts anew knows it
// too, and lets a client resume. What is kept here is only which open connection it hangs on.
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/executor.hpp"
#include "registry/registry.hpp"
#include "socket/commands.hpp"

namespace rollcall::api {

/// The metadata entry, in milliseconds.
inline constexpr std::string_view kBoundGraceKey = "bound_grace_ms";

/// The grace that a bound instance was registered with; nullopt if it isn't bound.
[[nodiscard]] std::optional<std::chrono::milliseconds> bound_grace_of(const Instance& instance);

/// Any thread.
class BoundLeases : public std::enable_shared_from_this<BoundLeases> {
 public:
  struct Parts {
    Registry& registry;
    const Catalog& catalog;
    Executor& timers;  ///< for graces
    const Clock& clock;
    std::size_t most_per_tie;
  };
  explicit BoundLeases(const Parts& parts) : parts_(parts) {}

  [[nodiscard]] socket::TieId open();
  /// Removes what is bound to it, or starts its grace, as `end` says.
  void close(socket::TieId tie, socket::End end);

  /// Keeps a place for one more instance; false if it has as many as it may. bind() or release() gives it back.
  [[nodiscard]] bool reserve(socket::TieId tie);
  void release(socket::TieId tie);

  /// Into a reserved place. From now on the instance hangs on `tie` and on nothing else; a grace that runs ends.
  /// Nothing is bound to a tie that is closed.
  void bind(const InstanceId& id, socket::TieId tie, std::chrono::milliseconds grace);
  /// It is gone.
  void forget(const InstanceId& id);

 private:
  struct Bound {
    socket::TieId tie;  ///< 0 while its grace runs
    std::chrono::milliseconds grace{0};
    std::uint64_t serial = 0;  ///< of this binding: a grace that began before another one is void
  };
  using Ids = boost::unordered_flat_set<std::string>;
  struct Tie {
    Ids ids;
    std::size_t reserved = 0;
  };
  struct Leaving {
    InstanceId id;
    std::chrono::milliseconds grace{0};
    std::uint64_t serial = 0;
  };

  void untie_locked(const std::string& id);
  void drop_gone_locked(Tie& tie);
  [[nodiscard]] std::vector<Leaving> take_leaving(socket::TieId tie, socket::End end);
  void start_grace(const Leaving& leaving, socket::End end);
  void end_grace(const Leaving& leaving, socket::End end);
  void remove(const InstanceId& id, Cause cause);

  const Parts parts_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::uint64_t last_tie_ = 0;
  std::uint64_t last_serial_ = 0;
  boost::unordered_flat_map<std::uint64_t, Tie> ties_;
  boost::unordered_flat_map<std::string, Bound> bound_;
};

}  // namespace rollcall::api
