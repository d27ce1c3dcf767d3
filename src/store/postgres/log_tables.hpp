#pragma once
// Events, and which of them is the newest of each instance. Rows up to the compacted revision C are exactly the state
// as of C; after it they are the whole log. So the state right after any revision R from C on is: every instance whose
// newest event is up to R, and the `previous` of every event after R that stands at R or before.
#include <functional>
#include <span>

#include "store/postgres/database.hpp"

namespace rollcall::postgres {

inline constexpr Revision kEndOfTime{std::uint64_t{1} << 53};

/// The one row that says how far the log has come.
struct Head {
  BatchJudge::Position position;
  Revision compacted;
  std::uint64_t event_bytes = 0;
  Generation generation;
};
[[nodiscard]] Db<Head> read_head(const Rows& rows);

/// Appends the events of rows that begin with revision, previous and body.
[[nodiscard]] Db<void> take_events(const Rows& rows, std::vector<EventPtr>& events);

/// Of the first page of events after a revision, and of `rest_of_events` after it: up to `limit`.
[[nodiscard]] Call events_after(Revision revision, std::size_t limit);
[[nodiscard]] Db<void> take_rest_of_events(Database& database, const Rows& first, std::size_t limit,
                                           std::vector<EventPtr>& events);

/// What stores a batch's events and where the log has come with them, up to the commit.
[[nodiscard]] std::vector<Call> calls_to_store(std::span<const EventPtr> events, const BatchJudge::Position& position,
                                               const std::string& channel);

// ---- inside a transaction that sees one state ----

/// Calls `visit` with every instance's newest event up to `upto`, in the order of their numbers.
[[nodiscard]] Db<void> visit_latest(Database& database, const Head& head, Revision upto,
                                    const std::function<void(EventPtr)>& visit);
/// Calls `visit` with what events after `revision` have replaced of the state right after it.
[[nodiscard]] Db<void> visit_replaced(Database& database, const Head& head, Revision revision,
                                      const std::function<void(EventPtr)>& visit);

[[nodiscard]] Db<HistoryPage> read_history(Database& database, const HistoryQuery& query, std::size_t most_looked_at);
[[nodiscard]] Db<std::vector<EventPtr>> read_chain(Database& database, Revision newest, std::size_t limit);

}  // namespace rollcall::postgres
