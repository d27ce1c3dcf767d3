#pragma once
#include <atomic>

#include "registry/registry.hpp"

namespace rollcall {

/// What RegistryStats shows, but for the queue. Any thread.
struct RegistryCounters {
  std::atomic<std::uint64_t> commits{0}, changes{0}, conflicts{0}, failures{0}, expired{0}, leases{0}, store_bytes{0};

  [[nodiscard]] RegistryStats read() const {
    const auto now = [](const auto& counter) { return counter.load(std::memory_order_relaxed); };
    return {.commits = now(commits),
            .changes = now(changes),
            .conflicts = now(conflicts),
            .failures = now(failures),
            .expired = now(expired),
            .leases = now(leases),
            .store_bytes = now(store_bytes)};
  }
};

}  // namespace rollcall
