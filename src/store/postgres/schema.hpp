#pragma once
// The tables, and how a database gets them from whichever program was there before.
#include <cstdint>
#include <span>

#include "base/ids.hpp"
#include "store/postgres/connection.hpp"

namespace rollcall::postgres {

/// One step of the schema: what takes it from the version before to this one.
struct Migration {
  std::uint32_t version;
  const char* sql;
};

[[nodiscard]] std::span<const Migration> migrations() noexcept;

/// A letter or _, then letters, digits and _, all small, 48 at most: it stands in statements as it is.
[[nodiscard]] bool is_schema_name(std::string_view name) noexcept;

/// Names the schema for the statements that follow.
[[nodiscard]] Db<void> use_schema(Connection& connection, const std::string& schema,
                                  std::chrono::milliseconds patience);

/// Brings the schema to the last of `steps` in one transaction, one program at a time, and makes it if it isn't there.
/// `damaged`: it is newer, or not ours.
[[nodiscard]] Db<void> migrate(Connection& connection, const std::string& schema, std::span<const Migration> steps,
                               Generation generation);

/// The log's generation; `damaged` where there is no log of this program's version.
[[nodiscard]] Db<Generation> generation_of(Connection& connection, const std::string& schema,
                                           std::chrono::milliseconds patience);

}  // namespace rollcall::postgres
