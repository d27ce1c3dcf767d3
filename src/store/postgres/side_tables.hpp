#pragma once
// What is kept beside the log: lease marks, in chunks of numbers, and the outbox's positions.
#include "store/postgres/database.hpp"

namespace rollcall::postgres {

/// Begins a transaction that holds the lease clock. What is to be done with it, up to the commit; nothing,
/// if a later term has it.
[[nodiscard]] Db<std::vector<Call>> begin_saving_marks(Database& database, const LeaseMarks& saved);
[[nodiscard]] Db<LeaseMarks> load_marks(Database& database);

[[nodiscard]] Db<std::optional<Revision>> outbox(Database& database, std::string_view name);
[[nodiscard]] Call call_to_set_outbox(std::string_view name, Revision confirmed);

}  // namespace rollcall::postgres
