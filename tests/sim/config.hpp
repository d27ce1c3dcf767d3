#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/limits.hpp"
#include "sim_random.hpp"

namespace rollcall::sim {

enum class Engine : std::uint8_t { memory, sqlite };

/// What kind of run a seed is: each seed has only some of the faults, so that none hides another.
struct Config {
  Engine engine = Engine::memory;
  std::size_t nodes = 1;  ///< processes that share one log
  std::size_t io_threads = 2;
  std::size_t owners = 8;
  std::size_t services = 3;
  std::size_t watchers = 3;
  Duration action_every{};  ///< mean time between two actions of all owners together
  Duration ttl_min{}, ttl_max{};
  double reliable_owners = 0.4;   ///< share of owners that beat in every third of their ttl
  double lasting_critical = 0.3;  ///< share of owners with a deregister_after
  Duration crash_every{};         ///< mean; zero: never. The same for those below.
  Duration stall_every{};         ///< the whole process stops
  Duration io_stall_every{};      ///< one I/O thread stops
  Duration wall_jump_every{};
  Duration disk_full_every{};
  double store_fault = 0;  ///< probability that one store call fails
  double slow_commit = 0;
  double crash_in_commit = 0;
  double hiccup = 0;                             ///< probability that a thread wakes late
  double lost = 0, delayed = 0, duplicated = 0;  ///< messages
  // Of several nodes.
  Duration store_cut_every{}, membership_cut_every{};  ///< one node can't reach it
  Duration session_end_every{};                        ///< the server ends a node's session, which goes on
  double meeting_fault = 0, slow_meeting = 0;
  bool lonely = false;  ///< all but one are shut down soon, until the end of the run
  Limits limits;
};

[[nodiscard]] Config draw_config(SimRandom& random, std::size_t nodes);
[[nodiscard]] std::string describe(const Config& config);

}  // namespace rollcall::sim
