#pragma once
// What reading and writing a whole log asks of its tables, and nothing of what only a Store asks: a log that an older
// program's daemons still use can be read.
#include <span>
#include <string>
#include <utility>

#include "store/postgres/connection.hpp"

namespace rollcall::postgres {

enum class LogSql : std::uint8_t {
  commit,

  whole_head,           ///< generation, revision, number, compacted, lease clock
  whole_head_to_write,  ///< the same; nobody else has it until the transaction ends
  whole_events,         ///< $1 after this revision, $2 limit; revision, previous, body, whether it is a tombstone
  whole_marks,          ///< $1 from this chunk on, $2 limit; chunk, beats
  all_outboxes,         ///< name, confirmed

  insert_events,    ///< as Sql's
  put_instances,    ///< as Sql's
  drop_instances,   ///< as Sql's
  put_marks,        ///< as Sql's
  put_outbox,       ///< as Sql's
  set_lease_clock,  ///< $1 now_ms
  make_head,        ///< $1 generation or 0, $2 revision, $3 number, $4 compacted
  set_event_bytes,  ///< $1 bytes
  count_
};

[[nodiscard]] std::span<const std::string> log_statements();

[[nodiscard]] inline Call call(LogSql sql, Parameters parameters = {}) {
  return {std::to_underlying(sql), std::move(parameters)};
}

}  // namespace rollcall::postgres
