#pragma once
// A log in memory: for tests and the simulation, and for a daemon that needs to remember nothing.
#include <memory>

#include "base/limits.hpp"
#include "store/store.hpp"

namespace rollcall {

class MemoryLog;

/// A log that handles share. It does nothing by chance and asks no clock: the same calls make the same log.
[[nodiscard]] std::shared_ptr<MemoryLog> make_memory_log(Generation generation = Generation{1});

/// A handle on `log`. Handles of one log may live on different threads.
[[nodiscard]] std::unique_ptr<Store> make_memory_store(
    std::shared_ptr<MemoryLog> log, const StoreLimits& limits = {},
    std::chrono::milliseconds tombstone_life = RegistryLimits{}.tombstone_life);

}  // namespace rollcall
