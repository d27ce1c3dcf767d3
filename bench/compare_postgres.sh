#!/bin/bash
# Durable registrations over HTTP with the registry in PostgreSQL, beside single-row upserts of pgbench on the same
# server and beside the same daemon with SQLite on the same disk, in turns; fsync on.
#   bench/compare_postgres.sh [ROUNDS [SECONDS [CLIENTS]]]
# BIN: where the release build is. PORT: the first of two free ports. PG_FSYNC=off: what is left without the disk.
set -euo pipefail
rounds=${1:-3} seconds=${2:-5} clients=${3:-64}
here=$(cd "$(dirname "$0")/.." && pwd)
bin=${BIN:-$here/build/release/bin}
port=${PORT:-18121}
work=$(mktemp -d)
export PG_DIR=/tmp/rollcall-bench-$$ PG_FSYNC=${PG_FSYNC:-on}
postgres() { "$here/tests/servers/postgres.sh" "$@"; }
trap 'kill "${daemons[@]}" 2>/dev/null || true; wait; postgres stop; rm -rf "$work"' EXIT

postgres start
postgres psql -c 'CREATE TABLE instance(id text PRIMARY KEY, service text, address text, port int, tags jsonb, metadata jsonb)'
cat >"$work/upsert.sql" <<'END'
\set n random(1, 100000000)
INSERT INTO instance VALUES(:n || '-benchmark-instance-of-a-service', 'service-' || :n % 1000, '10.1.2.3', 8080, '["blue"]', '{"zone":"a"}')
ON CONFLICT (id) DO UPDATE SET address = EXCLUDED.address, port = EXCLUDED.port, tags = EXCLUDED.tags, metadata = EXCLUDED.metadata;
END

daemons=()
start_daemon() {  # port, store
  mkfifo "$work/ready-$1"
  ROLLCALL_STORE=$2 "$bin/rollcall" serve --http "127.0.0.1:$1" --socket off --data-dir "$work/data" \
    --set probe.enabled=false --set io_threads=1 >"$work/ready-$1" 2>"$work/log-$1" &
  daemons+=($!)
  read -r _ <"$work/ready-$1"
}
start_daemon "$port" "host=$PG_DIR user=test dbname=postgres"
start_daemon $((port + 1)) sqlite

registrations() {  # port, clients -> "registrations_per_second median"
  wrk -t1 -c"$2" -d"${seconds}s" --latency -s "$here/bench/register.lua" "http://127.0.0.1:$1" >"$work/wrk"
  if grep 'Non-2xx' "$work/wrk" >&2; then exit 1; fi
  awk '/Requests\/sec/ { rate = $2 } /50%/ { median = $2 } END { printf "%.0f/s, %s\n", rate, median }' "$work/wrk"
}
upserts() {  # clients -> "upserts_per_second mean"
  "$(find /usr/lib/postgresql -name pgbench | sort -V | tail -1)" -h "$PG_DIR" -U test -n -M prepared -c "$1" -j 1 \
    -T "$seconds" -f "$work/upsert.sql" postgres 2>/dev/null |
    awk '/^tps/ { rate = $3 } /latency average/ { mean = $4 } END { printf "%.0f/s, %.2fms\n", rate, mean }'
}

echo "| clients | Rollcall on PostgreSQL, median | pgbench, mean | Rollcall on SQLite, median |"
echo "|---|---|---|---|"
for round in $(seq "$rounds"); do
  for count in "$clients" 1; do
    echo "| $count | $(registrations "$port" "$count") | $(upserts "$count") | $(registrations $((port + 1)) "$count") |"
  done
done
