#pragma once
// A log in memory: for tests and the simulation, and for a daemon that needs to remember nothing.
#include <memory>

#include "base/limits.hpp"
#include "store/membership.hpp"
#include "store/store.hpp"

namespace rollcall {

class MemoryLog;

/// A log that handles share. It does nothing by chance and asks no clock: the same calls make the same log.
[[nodiscard]] std::shared_ptr<MemoryLog> make_memory_log(Generation generation = Generation{1});

/// A handle on `log`. Handles of one log may live on different threads.
[[nodiscard]] std::unique_ptr<Store> make_memory_store(
    std::shared_ptr<MemoryLog> log, const StoreLimits& limits = {},
    std::chrono::milliseconds tombstone_life = RegistryLimits{}.tombstone_life);

/// One node's membership among those that share `log`. Its offices are free when it is destroyed.
[[nodiscard]] std::unique_ptr<Membership> make_memory_membership(std::shared_ptr<MemoryLog> log, NodeId self);

/// What happens to a node whose session ends without a word: its offices are free.
void end_session(MemoryLog& log, NodeId node);

}  // namespace rollcall
