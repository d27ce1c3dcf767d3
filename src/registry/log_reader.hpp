#pragma once
// What the log has beyond the catalog, read on the store's executor.
#include <functional>
#include <span>

#include "registry/registry.hpp"

namespace rollcall {

/// What is read goes to these, on the registry's executor.
struct LogReading {
  std::function<void(std::span<const EventPtr>)> apply;  ///< to the catalog, where the next read begins
  std::function<void(const Snapshot&)> replace;          ///< the state instead of events that are no longer kept
  std::function<void(const Result<void>&)> done;         ///< the last: up to the log's end, or why not
};

/// On the registry's executor, while nothing else changes the catalog.
void read_log(const Registry::Parts& parts, LogReading reading);

}  // namespace rollcall
