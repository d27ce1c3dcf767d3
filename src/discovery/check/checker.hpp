#pragma once
// Runs the checks that registered instances ask for.
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "discovery/check/target.hpp"
#include "discovery/network.hpp"
#include "model/event.hpp"

namespace rollcall {

struct CheckerConfig {
  std::vector<Network> networks = default_check_networks();
  std::size_t max_checks = 10'000;  ///< what comes after stays unchecked, and is logged
  std::size_t max_in_flight = 512;  ///< connections at one time; a check that finds none free waits
};

class Checker {
 public:
  /// How an instance is by its check, whenever that isn't the health that update() last told of. On the checker's
  /// thread; must not block. TCP: passing if somebody accepts. HTTP: 2xx passing, 429 warning, all else critical.
  /// Our own want of descriptors or of a route is no evidence: nothing is reported.
  using Report = std::function<void(const InstanceId&, Status, Cause)>;

  virtual ~Checker() = default;

  /// With each event of an instance, those that follow from a report included. One without a check, or with one that
  /// isn't allowed, is no longer checked. Any thread.
  virtual void update(InstancePtr instance) = 0;
  virtual void remove(InstanceId id) = 0;

  /// Ends and joins at once. Nothing is reported afterwards.
  virtual void stop() = 0;
};

/// Starts its own thread. `clock` outlives it.
[[nodiscard]] std::unique_ptr<Checker> make_checker(CheckerConfig config, const Clock& clock, Checker::Report report);

}  // namespace rollcall
