#pragma once
// The tables, and how a file written by an older program gets them.
#include <cstdint>
#include <span>

#include "store/sqlite/connection.hpp"

namespace rollcall::sqlite {

/// One step of the schema: what takes a file from the version before to this one.
struct Migration {
  std::uint32_t version;
  const char* sql;
};

[[nodiscard]] std::span<const Migration> migrations() noexcept;
[[nodiscard]] std::uint32_t newest_version() noexcept;

/// Brings `connection` to the last of `steps` in one transaction. A newer file is a failure.
[[nodiscard]] Db<void> migrate(Connection& connection, std::span<const Migration> steps);

/// Keys of the table `meta`.
enum class Meta : std::uint8_t {
  generation = 1,
  compacted = 2,    ///< history up to here is gone
  revision = 3,     ///< the log has come at least this far, though its newest row may be gone
  number = 4,       ///< instance numbers have come at least this far
  lease_clock = 5,  ///< the lease clock when marks were last saved, in ms
};

}  // namespace rollcall::sqlite
