#pragma once
// What a disk holds of one file, and what it would still hold if the power went now. Knows nothing of SQLite.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crash/crash_vfs.hpp"

namespace rollcall::testing {

/// SplitMix64 (Steele, Lea and Flood, 2014).
class Coin {
 public:
  explicit Coin(std::uint64_t seed) : state_(seed) {}
  [[nodiscard]] bool toss() noexcept;

 private:
  std::uint64_t state_;
};

class DiskImage {
 public:
  /// What a sector is torn from its neighbours by.
  static constexpr std::size_t kSector = 512;

  DiskImage() = default;
  /// A file that came through a power cut: all of it is durable.
  explicit DiskImage(std::string bytes) : durable_(bytes), current_(std::move(bytes)) {}

  /// As readers see it.
  [[nodiscard]] const std::string& bytes() const noexcept { return current_; }

  void write(std::uint64_t offset, std::string_view data);
  void truncate(std::uint64_t size);

  /// Everything up to here is durable.
  void sync();
  /// Readers go on seeing what wasn't synced, but no later sync writes it.
  void forget_unsynced() noexcept { pending_.clear(); }

  [[nodiscard]] std::string after_power_cut(Survival survival, Coin& coin) const;

 private:
  /// A change that hasn't been synced: a write at an offset, or a truncation to it.
  struct Change {
    bool truncation;
    std::uint64_t offset;
    std::string data;
  };
  static void apply(std::string& bytes, const Change& change);
  static void tear(std::string& bytes, const Change& change, Coin& coin);

  std::string durable_, current_;
  std::vector<Change> pending_;
};

}  // namespace rollcall::testing
