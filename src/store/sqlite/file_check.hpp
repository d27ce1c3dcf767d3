#pragma once
// Looks at a file before SQLite does: opening alone rewrites a foreign database that has a write-ahead log.
#include <cstdint>
#include <string>

#include "base/error.hpp"

namespace rollcall::sqlite {

constexpr std::uint32_t kApplicationId = 0x52434C4C;  // "RCLL"

struct FileReport {
  bool exists = false;      ///< false: there is nothing to lose, the log has to be made
  bool has_wal = false;     ///< a write-ahead log with content lies beside it
  bool has_shm = false;     ///< and its index
  bool unfinished = false;  ///< a rollback journal lies beside it: its creation was interrupted
};

/// `incompatible` with a sentence about what was found and what to do, when it isn't a log of `newest_version` or older
/// or is cut short. Only reads.
[[nodiscard]] Result<FileReport> check_file(const std::string& path, const std::string& vfs,
                                            std::uint32_t newest_version);

/// Makes an empty file that only its owner may read, and makes its name durable. What root makes belongs to whom the
/// directory belongs to.
[[nodiscard]] Result<void> create_private_file(const std::string& path);

/// Removes an index that wasn't there before a file was refused.
void remove_shm(const std::string& path, const std::string& vfs);

}  // namespace rollcall::sqlite
