#pragma once
// The log in one SQLite file (docs/decisions/0002-store-layout.md).
#include <chrono>
#include <memory>
#include <string>

#include "base/limits.hpp"
#include "store/store.hpp"

namespace rollcall {

struct SqliteTuning {
  std::size_t page_cache_bytes = 16 << 20;
  int checkpoint_pages = 2'000;  ///< in the write-ahead log, after which a commit copies them into the file
  std::chrono::milliseconds busy_timeout{5'000};  ///< how long one handle waits for another's commit
  std::size_t checked_at_open_bytes = 64 << 20;   ///< a file up to this size has every page checked when opened
  bool sync = true;  ///< false loses acknowledged writes in a power cut: only to show that tests notice
};

struct SqliteOptions {
  std::string path;  ///< its directory must exist
  StoreLimits limits;
  std::chrono::milliseconds tombstone_life = RegistryLimits{}.tombstone_life;
  SqliteTuning tuning;
  std::string vfs;        ///< SQLite's file system by name; empty: the system's
  Generation generation;  ///< of a log that has to be made; 0: a random one
};

/// Opens the log at `path`, or makes it there (mode 0600). `incompatible`: what lies there is foreign, damaged or newer
/// than this program; it is left as it was, byte for byte. `unavailable`: it can't be opened now.
///
/// Nothing keeps another process from opening the same log: two handles are fine, two daemons are their starter's
/// business.
[[nodiscard]] Result<std::unique_ptr<Store>> open_sqlite_store(const SqliteOptions& options);

}  // namespace rollcall
