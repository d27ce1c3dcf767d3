#pragma once
// One process's place in a run: what the world knows of it, and what outlives each of its lives.
#include <string>

#include "base/ids.hpp"
#include "world.hpp"

namespace rollcall::sim {

class Process;

struct Node {
  Node(World& w, std::size_t number)
      : world(w), index(number), name(w.config.nodes > 1 ? std::string(1, static_cast<char>('a' + number)) : "") {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  template <class... Args>
  void note(fmt::format_string<Args...> format, Args&&... args) {
    if (name.empty()) return world.note(format, std::forward<Args>(args)...);
    world.note("{}: {}", name, fmt::format(format, std::forward<Args>(args)...));
  }
  [[nodiscard]] bool serves() const noexcept { return process != nullptr && lives; }
  [[nodiscard]] bool is_store_cut() const noexcept { return world.now() < store_cut_until; }
  [[nodiscard]] bool is_membership_cut() const noexcept { return world.now() < membership_cut_until; }

  World& world;
  const std::size_t index;
  const std::string name;        ///< empty where there is no other
  Process* process = nullptr;    ///< null while it is down
  bool lives = false;            ///< false from the instant of a crash on: nothing more gets out of the process
  bool crash_wanted = false;     ///< set inside a task; carried out after it
  bool stopping = false;         ///< the process drains: it refuses what comes
  MonoTime unreachable_until{};  ///< what is sent to the process gets lost
  NodeId id;                     ///< of this life, among those that share the log
  MonoTime reported_at{};        ///< when what its last report tells was collected
  MonoTime fenced_at{};          ///< when the others last went on without it
  MonoTime store_cut_until{}, membership_cut_until{};
  bool store_hung = false, membership_hung = false;  ///< the call that hung in a cut has yet to fail
};

}  // namespace rollcall::sim
