#pragma once
// Every prepared statement, by name. Rows of events are revision, previous, body.
#include <span>
#include <utility>

#include "store/postgres/connection.hpp"

namespace rollcall::postgres {

enum class Sql : std::uint8_t {
  begin_write,
  begin_read,  ///< everything in it sees one state
  commit,
  rollback,
  commit_early,  ///< this transaction's commit waits for no disk
  write_ahead,   ///< something that a commit waits for

  head,            ///< revision, number, compacted, event bytes, generation, term
  head_to_write,   ///< the same; nobody else has it until the transaction ends
  set_head,        ///< $1 revision, $2 number, $3 more event bytes
  notify,          ///< $1 channel, $2 revision
  events_after,    ///< $1 revision, $2 limit
  latest_of,       ///< $1 numbers; number, revision
  insert_events,   ///< columns as arrays
  put_instances,   ///< columns as arrays
  latest_upto,     ///< $1, $2 numbers, the first exclusive, $3 revision
  replaced_after,  ///< $1, $2 revisions, the first exclusive, $3 revision of the state
  scan_up,         ///< $1, $2 revisions, both exclusive, $3 since, $4 until, $5 service, $6 id, $7 limit
  scan_down,       ///< the same; the body is null where the event isn't asked for
  chain,           ///< $1 newest revision, $2 limit

  due_tombstones,  ///< $1, $2 times between which one lives on, $3 limit; number, revision
  oldest_events,   ///< $1 limit; revision, previous, at, number if it is a removal whose tombstone is there, is removal
  drop_events,     ///< $1 revisions, $2 compacted up to
  drop_instances,  ///< $1 numbers

  lease_clock,      ///< nobody else has it until the transaction ends; now_ms, term
  set_lease_clock,  ///< $1 now_ms, $2 term
  all_marks,        ///< now_ms, chunk, beats, term
  marks_in,         ///< $1 chunks; chunk, beats
  put_marks,        ///< $1 chunks, $2 beats
  forget_marks,     ///< $1 numbers
  drop_chunks,      ///< $1 numbers: their chunks go where they hold no mark

  get_outbox,    ///< $1 name
  least_outbox,  ///< $1 names; the least of their revisions, null if there are none
  put_outbox,    ///< $1 name, $2 revision
  size,          ///< of all tables in bytes

  set_for_session,  ///< $1 setting, $2 value
  lock_name,        ///< $1 schema and name: nobody else gets it while the session lasts
  end_namesakes,    ///< $1 name, $2 node
  join,             ///< $1 node, $2 name, $3 address, $4 version
  report,           ///< $1 node, $2 round, $3 heard, $4 revision; a row, if it is a member
  put_digest,       ///< $1 node, $2 round, $3 beats; nothing unless it is a member
  fence,            ///< $1 nodes, $2 rounds
  leave,            ///< $1 node
  unlock,           ///< its offices and its name
  drop_digests,     ///< $1 nodes, $2 rounds
  take_offices,     ///< $1 offices, $2 schema; those that this session has from now on
  begin_term,       ///< $1 node; term
  members,          ///< node, name, address, version, round, heard, revision
  digests_after,    ///< $1 nodes, $2 rounds, $3 node whose own are left out; node, round, beats
  standing,         ///< revision, term, reaper

  put_samples,    ///< $1 node, $2 round, $3 body
  drop_samples,   ///< $1 milliseconds: what is older
  samples_after,  ///< $1 nodes, $2 rounds, $3 node whose own are left out; node, round, age in milliseconds, body
  count_
};

/// Marks of one row: under 2 KiB, so that it stays beside its key.
inline constexpr std::uint64_t kChunkMarks = 400;

/// What an event takes beside its body: its other columns, its index entry, its row's header; roughly.
inline constexpr std::uint64_t kEventOverhead = 200;

[[nodiscard]] std::span<const std::string> statements();

[[nodiscard]] inline Call call(Sql sql, Parameters parameters = {}) {
  return {std::to_underlying(sql), std::move(parameters)};
}

}  // namespace rollcall::postgres
