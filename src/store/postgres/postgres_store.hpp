#pragma once
// The log in a schema of a PostgreSQL database, which several nodes may share (docs/decisions/0008-postgresql.md).
#include <chrono>
#include <memory>
#include <string>

#include "base/limits.hpp"
#include "store/store.hpp"

namespace rollcall {

struct PostgresOptions {
  std::string connection;  ///< a URI or key=value pairs, as libpq takes them
  std::string schema = "rollcall";
  PostgresLimits waits;
  StoreLimits limits;
  std::chrono::milliseconds tombstone_life = RegistryLimits{}.tombstone_life;
  Generation generation;  ///< of a log that has to be made; 0: a random one
};

/// Whether `text` means a PostgreSQL database and can be read as such; `field` of an error is empty, and its message
/// shows nothing of the text.
[[nodiscard]] bool is_postgres_connection(std::string_view text) noexcept;
[[nodiscard]] Result<void> check_postgres_connection(const std::string& text);
/// Whether it holds a password.
[[nodiscard]] bool has_postgres_password(const std::string& text);
/// Whether a schema may be called so.
[[nodiscard]] bool is_postgres_schema(std::string_view name) noexcept;

/// Opens the log, or makes it in its schema. `incompatible`: what is there is foreign, damaged or newer than this
/// program. `unavailable`: no server takes writes now.
///
/// Every wait on a server that answers nothing ends after `waits`; only the look-up of a host's name is the system's.
[[nodiscard]] Result<std::unique_ptr<Store>> open_postgres_store(const PostgresOptions& options);

}  // namespace rollcall
