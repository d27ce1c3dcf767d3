#include "store/postgres/statements.hpp"

#include <fmt/format.h>

#include <array>

namespace rollcall::postgres {
namespace {

/// Every row looked at, so that the scan can go on after the last; of those that nobody asks for the body stays there.
std::string scan(std::string_view order) {
  return fmt::format(
      "SELECT revision, previous, CASE WHEN ($3::timestamptz IS NULL OR at >= $3)"
      " AND ($4::timestamptz IS NULL OR at <= $4) AND ($5::text IS NULL OR service = $5)"
      " AND ($6::text IS NULL OR id = $6) THEN body END"
      " FROM events WHERE revision > $1::bigint AND revision < $2::bigint ORDER BY revision {} LIMIT $7::bigint",
      order);
}

using Texts = std::array<std::string, static_cast<std::size_t>(Sql::count_)>;

void add_transactions(Texts& all) {
  const auto set = [&all](Sql sql, std::string text) { all[std::to_underlying(sql)] = std::move(text); };
  set(Sql::begin_write, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
  set(Sql::begin_read, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  set(Sql::commit, "COMMIT");
  set(Sql::rollback, "ROLLBACK");
  set(Sql::commit_early, "SELECT set_config('synchronous_commit', 'off', true)");
  set(Sql::write_ahead, "SELECT pg_logical_emit_message(true, 'rollcall', '')");
}

void add_writing(Texts& all) {
  const auto set = [&all](Sql sql, std::string text) { all[std::to_underlying(sql)] = std::move(text); };
  set(Sql::head, "SELECT revision, number, compacted, event_bytes, generation, term FROM head");
  set(Sql::head_to_write, "SELECT revision, number, compacted, event_bytes, generation, term FROM head FOR UPDATE");
  set(Sql::set_head,
      "UPDATE head SET revision = $1::bigint, number = $2::bigint, event_bytes = event_bytes + $3::bigint");
  set(Sql::notify, "SELECT pg_notify($1::text, $2::bigint::text)");
  set(Sql::latest_of, "SELECT number, revision FROM instances WHERE number = ANY($1::bigint[])");
  set(Sql::insert_events,
      "INSERT INTO events(revision, previous, number, at, kind, id, service, writer, evidence, body)"
      " SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[],"
      " $7::text[], $8::text[], $9::text[], $10::bytea[])");
  set(Sql::put_instances,
      "INSERT INTO instances(number, revision, id, service, address, port, weight, status, status_reason, tags,"
      " metadata, source, registered_at, modified_at, created, removed_at)"
      " SELECT number, revision, id, service, address, port, weight, status, status_reason, tags::jsonb,"
      " metadata::jsonb, source, registered_at, modified_at, created, removed_at"
      " FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],"
      " $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[],"
      " $15::bigint[], $16::timestamptz[])"
      " AS changed(number, revision, id, service, address, port, weight, status, status_reason, tags, metadata,"
      " source, registered_at, modified_at, created, removed_at)"
      " ON CONFLICT (number) DO UPDATE SET revision = EXCLUDED.revision, id = EXCLUDED.id, service = EXCLUDED.service,"
      " address = EXCLUDED.address, port = EXCLUDED.port, weight = EXCLUDED.weight, status = EXCLUDED.status,"
      " status_reason = EXCLUDED.status_reason, tags = EXCLUDED.tags, metadata = EXCLUDED.metadata,"
      " source = EXCLUDED.source, registered_at = EXCLUDED.registered_at, modified_at = EXCLUDED.modified_at,"
      " created = EXCLUDED.created, removed_at = EXCLUDED.removed_at");
}

void add_reading(Texts& all) {
  const auto set = [&all](Sql sql, std::string text) { all[std::to_underlying(sql)] = std::move(text); };
  set(Sql::events_after,
      "SELECT revision, previous, body FROM events WHERE revision > $1::bigint ORDER BY revision LIMIT $2::bigint");
  // By ranges and not by LIMIT: whatever the planner thinks of the tables, it reads no more than the range.
  set(Sql::latest_upto,
      "SELECT i.revision, e.previous, e.body FROM instances i LEFT JOIN events e ON e.revision = i.revision"
      " WHERE i.number > $1::bigint AND i.number <= $2::bigint AND i.revision <= $3::bigint ORDER BY i.number");
  set(Sql::replaced_after,
      "SELECT p.revision, p.previous, p.body FROM events e JOIN events p ON p.revision = e.previous"
      " WHERE e.revision > $1::bigint AND e.revision <= $2::bigint AND e.previous BETWEEN 1 AND $3::bigint");
  set(Sql::scan_up, scan("ASC"));
  set(Sql::scan_down, scan("DESC"));
  set(Sql::chain,
      "WITH RECURSIVE chain AS ("
      "SELECT revision, previous, body, 1::bigint AS length FROM events WHERE revision = $1::bigint"
      " UNION ALL SELECT e.revision, e.previous, e.body, length + 1 FROM chain JOIN events e"
      " ON e.revision = chain.previous WHERE length < $2::bigint)"
      " SELECT revision, previous, body FROM chain ORDER BY length LIMIT $2::bigint");
}

void add_pruning(Texts& all) {
  const auto set = [&all](Sql sql, std::string text) { all[std::to_underlying(sql)] = std::move(text); };
  set(Sql::due_tombstones,
      "SELECT number, revision FROM instances WHERE removed_at <= $1::timestamptz OR removed_at > $2::timestamptz"
      " ORDER BY removed_at LIMIT $3::bigint");
  set(Sql::oldest_events,
      "SELECT e.revision, e.previous, e.at, i.number, e.kind = 'removed' FROM events e LEFT JOIN instances i"
      " ON e.kind = 'removed' AND i.number = e.number AND i.revision = e.revision"
      " WHERE e.revision > (SELECT compacted FROM head) ORDER BY e.revision LIMIT $1::bigint");
  set(Sql::drop_events,
      fmt::format("WITH gone AS (DELETE FROM events WHERE revision = ANY($1::bigint[]) RETURNING "
                  "octet_length(body)::bigint AS bytes)"
                  " UPDATE head SET compacted = $2::bigint,"
                  " event_bytes = event_bytes - (SELECT coalesce(sum(bytes + {}), 0)::bigint FROM gone)",
                  kEventOverhead));
  set(Sql::drop_instances, "DELETE FROM instances WHERE number = ANY($1::bigint[])");
}

void add_side_tables(Texts& all) {
  const auto set = [&all](Sql sql, std::string text) { all[std::to_underlying(sql)] = std::move(text); };
  set(Sql::lease_clock, "SELECT now_ms, term FROM lease_clock FOR UPDATE");
  set(Sql::set_lease_clock, "UPDATE lease_clock SET now_ms = $1::bigint, term = $2::bigint");
  set(Sql::all_marks,
      "SELECT c.now_ms, m.chunk, m.beats, c.term FROM lease_clock c LEFT JOIN lease_marks m ON true ORDER BY m.chunk");
  set(Sql::marks_in, "SELECT chunk, beats FROM lease_marks WHERE chunk = ANY($1::bigint[])");
  set(Sql::put_marks,
      "INSERT INTO lease_marks(chunk, beats) SELECT * FROM unnest($1::bigint[], $2::bytea[])"
      " ON CONFLICT (chunk) DO UPDATE SET beats = EXCLUDED.beats");
  set(Sql::forget_marks,
      fmt::format(
          "UPDATE lease_marks m SET beats = without_marks(m.beats, d.slots)"
          " FROM (SELECT n / {0} AS chunk, array_agg(n % {0}) AS slots FROM unnest($1::bigint[]) n GROUP BY 1) d"
          " WHERE m.chunk = d.chunk",
          kChunkMarks));
  set(Sql::drop_chunks, fmt::format("DELETE FROM lease_marks WHERE chunk IN (SELECT n / {} FROM unnest($1::bigint[]) n)"
                                    " AND btrim(beats, '\\x00'::bytea) = ''::bytea",
                                    kChunkMarks));
  set(Sql::get_outbox, "SELECT confirmed FROM outboxes WHERE name = $1::text");
  set(Sql::least_outbox, "SELECT min(confirmed) FROM outboxes WHERE name = ANY($1::text[])");
  set(Sql::put_outbox,
      "INSERT INTO outboxes VALUES($1::text, $2::bigint) ON CONFLICT (name) DO UPDATE SET confirmed = "
      "EXCLUDED.confirmed");
  set(Sql::size,
      "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class"
      " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace");
}

void add_membership(Texts& all) {
  const auto set = [&all](Sql sql, std::string text) { all[std::to_underlying(sql)] = std::move(text); };
  set(Sql::set_for_session, "SELECT set_config($1::text, $2::text, false)");
  set(Sql::lock_name, "SELECT pg_advisory_lock(hashtext('rollcall node'), hashtext($1::text))");
  set(Sql::end_namesakes, "DELETE FROM nodes WHERE name = $1::text AND node <> $2::bigint");
  set(Sql::join,
      "INSERT INTO nodes(node, name, address, version) VALUES($1::bigint, $2::text, $3::text, $4::text)"
      " ON CONFLICT (node) DO NOTHING");
  set(Sql::report,
      "UPDATE nodes SET round = $2::bigint, heard = $3::text, revision = $4::bigint, reported_at = clock_timestamp()"
      " WHERE node = $1::bigint RETURNING round");
  set(Sql::put_digest,
      "INSERT INTO digests SELECT $1::bigint, $2::bigint, $3::bytea"
      " WHERE EXISTS (SELECT 1 FROM nodes WHERE node = $1::bigint)");
  set(Sql::fence,
      "DELETE FROM nodes n USING unnest($1::bigint[], $2::bigint[]) f(node, round)"
      " WHERE n.node = f.node AND n.round <= f.round");
  set(Sql::leave, "DELETE FROM nodes WHERE node = $1::bigint");
  set(Sql::unlock, "SELECT pg_advisory_unlock_all()");
  set(Sql::drop_digests,
      "DELETE FROM digests d USING unnest($1::bigint[], $2::bigint[]) s(node, round)"
      " WHERE d.node = s.node AND d.round <= s.round");
  set(Sql::take_offices,
      "SELECT o FROM unnest($1::text[]) o"
      " WHERE pg_try_advisory_lock(hashtext('rollcall office'), hashtext($2::text || ' ' || o))");
  set(Sql::begin_term, "UPDATE head SET term = term + 1, reaper = $1::bigint RETURNING term");
  set(Sql::members, "SELECT node, name, address, version, round, heard, revision FROM nodes ORDER BY node");
  set(Sql::digests_after,
      "SELECT d.node, d.round, d.beats FROM digests d"
      " LEFT JOIN unnest($1::bigint[], $2::bigint[]) r(node, round) ON r.node = d.node"
      " WHERE d.node <> $3::bigint AND d.round > coalesce(r.round, 0) ORDER BY d.node, d.round");
  set(Sql::standing, "SELECT revision, term, reaper FROM head");
}

void add_sample_board(Texts& all) {
  const auto set = [&all](Sql sql, std::string text) { all[std::to_underlying(sql)] = std::move(text); };
  set(Sql::put_samples, "INSERT INTO samples VALUES($1::bigint, $2::bigint, $3::bytea)");
  set(Sql::drop_samples, "DELETE FROM samples WHERE told_at < clock_timestamp() - interval '1 ms' * $1::bigint");
  set(Sql::samples_after,
      "SELECT s.node, s.round, greatest(0, 1000 * extract(epoch FROM clock_timestamp() - s.told_at))::bigint, s.body"
      " FROM samples s LEFT JOIN unnest($1::bigint[], $2::bigint[]) r(node, round) ON r.node = s.node"
      " WHERE s.node <> $3::bigint AND s.round > coalesce(r.round, 0) ORDER BY s.node, s.round");
}

Texts make_statements() {
  Texts all;
  add_transactions(all);
  add_writing(all);
  add_reading(all);
  add_pruning(all);
  add_side_tables(all);
  add_membership(all);
  add_sample_board(all);
  return all;
}

}  // namespace

std::span<const std::string> statements() {
  static const Texts all = make_statements();
  return all;
}

}  // namespace rollcall::postgres
