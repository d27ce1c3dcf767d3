#pragma once
// A disk in memory under SQLite's file system interface, which knows what has been synced and what hasn't. It loses
// power at any step, tears what wasn't synced, fails or fills up. It does nothing by chance: a seed decides.
#include <cstdint>
#include <memory>
#include <string>

namespace rollcall::testing {

/// What is left of changes that weren't synced when the power goes.
enum class Survival : std::uint8_t {
  synced_only,  ///< nothing
  everything,   ///< all: a crash of the process alone
  torn,         ///< each sector of each write, each truncation and each file name by the toss of a coin
};

enum class Fault : std::uint8_t {
  crash,       ///< this step may reach the disk or not, and nothing works from then on until power_cut()
  io_error,    ///< the step isn't done and says so
  lying_sync,  ///< like io_error; but what a failed sync should have written is never written again (as on Linux)
  disk_full,   ///< a write of this step finds no room
};

class CrashDisk {
 public:
  /// Registers the disk as one of SQLite's file systems. One thread at a time.
  CrashDisk();
  /// All its files must be closed.
  ~CrashDisk();
  CrashDisk(const CrashDisk&) = delete;
  CrashDisk& operator=(const CrashDisk&) = delete;

  [[nodiscard]] const std::string& vfs() const noexcept;

  /// Changes of the disk since the start or the last power cut: writes, truncations, syncs, creations, deletions.
  [[nodiscard]] std::uint64_t steps() const noexcept;

  /// The step of that number (from 1) fails so, and each after it up to `length` steps.
  void plan(Fault fault, std::uint64_t step, std::uint64_t length = 1) noexcept;
  /// Whether the planned fault has struck.
  [[nodiscard]] bool struck() const noexcept;

  /// From now on no file can grow; what is there can be overwritten.
  void set_full(bool full) noexcept;

  /// The power goes and comes back. Every file must be closed (closing a dead disk's files works).
  void power_cut(Survival survival, std::uint64_t seed = 0);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace rollcall::testing
