#include "store/postgres/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace rollcall::postgres {
namespace {

using std::chrono::milliseconds;

/// Of migrations that wait for each other or rewrite a table.
constexpr milliseconds kMigrationPatience{60'000};
constexpr std::size_t kNameLength = 48;

// `body` is the event; the other columns of `events`, and those of `instances` but number and revision, are for people
// and for choosing. `head` is the one row that every commit takes first. It, `lease_clock` and `instances` are updated
// in place, which needs room in their pages.
constexpr std::array kMigrations{
    Migration{1, R"(
CREATE TABLE head(
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  generation bigint NOT NULL,
  revision bigint NOT NULL DEFAULT 0,
  number bigint NOT NULL DEFAULT 0,
  compacted bigint NOT NULL DEFAULT 0,
  event_bytes bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
CREATE TABLE events(
  revision bigint PRIMARY KEY,
  previous bigint NOT NULL,
  number bigint NOT NULL,
  at timestamptz NOT NULL,
  kind text NOT NULL,
  id text NOT NULL,
  service text NOT NULL,
  writer text NOT NULL,
  evidence text NOT NULL,
  body bytea NOT NULL
);
CREATE TABLE instances(
  number bigint PRIMARY KEY,
  revision bigint NOT NULL,
  id text NOT NULL,
  service text NOT NULL,
  address text NOT NULL,
  port bigint,
  weight bigint NOT NULL,
  status text NOT NULL,
  status_reason text NOT NULL,
  tags jsonb NOT NULL,
  metadata jsonb NOT NULL,
  source text NOT NULL,
  registered_at timestamptz NOT NULL,
  modified_at timestamptz NOT NULL,
  created bigint NOT NULL,
  removed_at timestamptz
) WITH (fillfactor = 80);
CREATE INDEX tombstones ON instances(removed_at) WHERE removed_at IS NOT NULL;
CREATE TABLE lease_clock(
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  now_ms bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO lease_clock DEFAULT VALUES;
CREATE TABLE lease_marks(chunk bigint PRIMARY KEY, beats bytea NOT NULL) WITH (fillfactor = 50);
ALTER TABLE lease_marks ALTER beats SET STORAGE PLAIN;
CREATE TABLE outboxes(name text PRIMARY KEY, confirmed bigint NOT NULL);
CREATE FUNCTION without_marks(beats bytea, slots bigint[]) RETURNS bytea IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE slot int;
BEGIN
  FOREACH slot IN ARRAY slots LOOP
    IF octet_length(beats) >= 5 * slot + 5 THEN
      beats := overlay(beats PLACING '\x0000000000'::bytea FROM 5 * slot + 1 FOR 5);
    END IF;
  END LOOP;
  RETURN beats;
END $$;
CREATE VIEW instance_list AS
  SELECT id, service, address, port, status, status_reason, tags, metadata, weight, source, registered_at, modified_at,
         created, revision AS modified
  FROM instances WHERE removed_at IS NULL;
CREATE VIEW event_list AS SELECT revision, at, kind, id, service, writer, evidence FROM events;
)"},
    // `heard` are pairs of node and round; `head.reaper` is who began `head.term`.
    Migration{2, R"(
ALTER TABLE head ADD term bigint NOT NULL DEFAULT 0, ADD reaper bigint NOT NULL DEFAULT 0;
ALTER TABLE lease_clock ADD term bigint NOT NULL DEFAULT 0;
CREATE TABLE nodes(
  node bigint PRIMARY KEY,
  name text NOT NULL UNIQUE,
  address text NOT NULL,
  version text NOT NULL,
  round bigint NOT NULL DEFAULT 0,
  heard text NOT NULL DEFAULT '',
  revision bigint NOT NULL DEFAULT 0,
  joined_at timestamptz NOT NULL DEFAULT now(),
  reported_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 20);
CREATE TABLE digests(node bigint, round bigint, beats bytea NOT NULL, PRIMARY KEY (node, round));
ALTER TABLE digests ALTER beats SET STORAGE EXTERNAL;
)"},
    Migration{3, R"(
CREATE UNLOGGED TABLE samples(
  node bigint,
  round bigint,
  body bytea NOT NULL,
  told_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (node, round)
);
)"},
};

std::uint32_t number_in(std::string_view text) {
  std::uint32_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// Whether the schema is there, how many tables it has, and the newest step taken.
struct Found {
  bool schema = false;
  std::uint32_t tables = 0, version = 0;
};

Db<Found> look(Connection& connection, const std::string& schema) {
  auto rows = connection.execute(fmt::format("SELECT count(c.oid), bool_or(c.relname = 'migrations')"
                                             " FROM pg_namespace n LEFT JOIN pg_class c"
                                             "   ON c.relnamespace = n.oid AND c.relkind = 'r'"
                                             " WHERE n.nspname = '{}' GROUP BY n.oid",
                                             schema),
                                 kMigrationPatience);
  if (!rows) return std::unexpected(rows.error());
  if (rows->size() == 0) return Found{};
  Found found{.schema = true, .tables = number_in(rows->bytes(0, 0)), .version = 0};
  if (found.tables == 0) return found;
  if (rows->bytes(0, 1) != "t") return damaged("the schema " + schema + " has tables of something else");
  auto version = connection.execute(fmt::format("SELECT max(version) FROM {}.migrations", schema), kMigrationPatience);
  if (!version) return std::unexpected(version.error());
  found.version = number_in(version->bytes(0, 0));
  return found;
}

/// What isn't there yet, in one transaction that nobody else is in.
std::string steps_to_take(const Found& found, const std::string& schema, std::span<const Migration> steps,
                          Generation generation) {
  std::string sql;
  if (!found.schema) sql += fmt::format("CREATE SCHEMA {};", schema);
  if (found.tables == 0) {
    sql += "CREATE TABLE migrations(version int PRIMARY KEY, taken_at timestamptz NOT NULL DEFAULT now());";
  }
  for (const Migration& step : steps) {
    if (step.version <= found.version) continue;
    sql += fmt::format("{};INSERT INTO migrations VALUES({});", step.sql, step.version);
  }
  if (found.tables == 0) sql += fmt::format("INSERT INTO head(generation) VALUES({});", generation.value);
  return sql;
}

std::unexpected<Failure> newer(const std::string& schema, std::uint32_t version) {
  return damaged(fmt::format("the schema {} was written by a newer Rollcall (schema version {})", schema, version));
}

}  // namespace

std::span<const Migration> migrations() noexcept { return kMigrations; }

bool is_schema_name(std::string_view name) noexcept {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  const auto is_fine = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= kNameLength && is_letter(name.front()) && std::ranges::all_of(name, is_fine) &&
         !name.starts_with("pg_");
}

Db<void> use_schema(Connection& connection, const std::string& schema, milliseconds patience) {
  // Durability is the log's business and not the role's settings'. What holds a lock for no reason is sent away, but
  // later than this side gives up: a commit that is cancelled while it waits for a standby counts as done over there.
  // Every statement goes by keys: it is planned once, maybe over a table that is still small, and a table that is
  // walked through then would be walked through when it has grown.
  const auto ms = patience.count();
  auto done = connection.execute(
      fmt::format("SET search_path = \"{}\", pg_temp;"
                  "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
                  "SET max_parallel_workers_per_gather = 0; SET jit = off;"
                  "SET statement_timeout = {}; SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {};"
                  "SELECT set_config('synchronous_commit', 'on', false)"
                  " WHERE current_setting('synchronous_commit') = 'off'",
                  schema, 2 * ms, ms, 2 * ms),
      patience);
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

Db<void> migrate(Connection& connection, const std::string& schema, std::span<const Migration> steps,
                 Generation generation) {
  auto begun =
      connection.execute(fmt::format("BEGIN; SET LOCAL statement_timeout = {0}; SET LOCAL lock_timeout = {0};"
                                     "SELECT pg_advisory_xact_lock(hashtext('rollcall migrates'), hashtext('{1}'))",
                                     kMigrationPatience.count(), schema),
                         kMigrationPatience);
  if (!begun) return std::unexpected(std::move(begun.error()));
  const auto found = look(connection, schema);
  if (!found) return std::unexpected(found.error());
  if (found->version > steps.back().version) return newer(schema, found->version);
  auto done = connection.execute(steps_to_take(*found, schema, steps, generation) + "COMMIT", kMigrationPatience);
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

Db<Generation> generation_of(Connection& connection, const std::string& schema, milliseconds patience) {
  auto rows = connection.execute("SELECT generation, (SELECT max(version) FROM migrations) FROM head", patience);
  if (!rows) return std::unexpected(std::move(rows.error()));
  if (rows->size() != 1) return damaged("the schema " + schema + " has no head");
  if (number_in(rows->bytes(0, 1)) > migrations().back().version) return newer(schema, number_in(rows->bytes(0, 1)));
  std::uint64_t generation = 0;
  const auto text = rows->bytes(0, 0);
  std::from_chars(text.data(), text.data() + text.size(), generation);
  return Generation{generation};
}

}  // namespace rollcall::postgres
