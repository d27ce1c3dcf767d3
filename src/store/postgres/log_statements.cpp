#include "store/postgres/log_statements.hpp"

#include <array>

#include "store/postgres/statements.hpp"

namespace rollcall::postgres {
namespace {

using Texts = std::array<std::string, static_cast<std::size_t>(LogSql::count_)>;

Texts make_statements() {
  Texts all;
  const auto set = [&all](LogSql sql, std::string text) { all[std::to_underlying(sql)] = std::move(text); };
  const auto as = [&](LogSql sql, Sql other) { set(sql, statements()[std::to_underlying(other)]); };
  as(LogSql::commit, Sql::commit);
  const std::string head =
      "SELECT h.generation, h.revision, h.number, h.compacted, c.now_ms FROM head h, lease_clock c";
  set(LogSql::whole_head, head);
  set(LogSql::whole_head_to_write, head + " FOR UPDATE");
  // By one key for each removal: a join might walk through all instances for every page.
  set(LogSql::whole_events,
      "SELECT e.revision, e.previous, e.body, CASE WHEN e.kind = 'removed' THEN"
      " (SELECT i.revision = e.revision FROM instances i WHERE i.number = e.number) END"
      " FROM events e WHERE e.revision > $1::bigint ORDER BY e.revision LIMIT $2::bigint");
  set(LogSql::whole_marks,
      "SELECT chunk, beats FROM lease_marks WHERE chunk >= $1::bigint ORDER BY chunk LIMIT $2::bigint");
  set(LogSql::all_outboxes, "SELECT name, confirmed FROM outboxes ORDER BY name COLLATE \"C\"");
  as(LogSql::insert_events, Sql::insert_events);
  as(LogSql::put_instances, Sql::put_instances);
  as(LogSql::drop_instances, Sql::drop_instances);
  as(LogSql::put_marks, Sql::put_marks);
  as(LogSql::put_outbox, Sql::put_outbox);
  set(LogSql::set_lease_clock, "UPDATE lease_clock SET now_ms = $1::bigint");
  set(LogSql::make_head,
      "UPDATE head SET generation = CASE WHEN $1::bigint = 0 THEN generation ELSE $1 END, revision = $2::bigint,"
      " number = $3::bigint, compacted = $4::bigint");
  set(LogSql::set_event_bytes, "UPDATE head SET event_bytes = $1::bigint");
  return all;
}

}  // namespace

std::span<const std::string> log_statements() {
  static const Texts all = make_statements();
  return all;
}

}  // namespace rollcall::postgres
