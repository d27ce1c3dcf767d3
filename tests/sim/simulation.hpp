#pragma once
// One run: a seed drives writers, the real queue, leases, store faults, crashes, stalls and watchers in virtual time,
// in one process or in several that share a log.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace rollcall::sim {

struct Options {
  std::uint64_t seed = 1;
  std::uint64_t steps = 2'000;  ///< requests and heartbeats sent
  std::size_t nodes = 1;        ///< processes that share one log
  bool print_trace = false;
};

struct Report {
  bool ok = true;
  std::uint64_t hash = 0;  ///< of the whole trace
  std::uint64_t steps = 0;
  std::uint64_t events = 0;
  std::uint64_t revisions = 0;
  std::uint64_t crashes = 0;
  double virtual_seconds = 0;
  std::string invariant;  ///< the one that was broken
  std::string failure;    ///< all that helps to find out why, with the command that repeats it
};

[[nodiscard]] Report simulate(const Options& options);

}  // namespace rollcall::sim
