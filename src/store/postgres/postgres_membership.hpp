#pragma once
// Where the nodes that share a log in PostgreSQL meet: a session of its own for each, whose advisory locks are offices.
#include <memory>

#include "store/membership.hpp"
#include "store/postgres/postgres_store.hpp"

namespace rollcall {

/// Connects with the first call. The log has to be there (open_postgres_store).
[[nodiscard]] Result<std::unique_ptr<Membership>> open_postgres_membership(const PostgresOptions& options, NodeId self);

}  // namespace rollcall
