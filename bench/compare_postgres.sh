#!/bin/bash
# Durable registrations over HTTP with the registry in PostgreSQL, beside single-row upserts of pgbench on the same
# server and beside the same daemon with SQLite on the same disk, in turns; fsync on.
#   bench/compare_postgres.sh [ROUNDS [SECONDS [CLIENTS [NODES]]]]
# Of several nodes on the database each has its share of the clients.
# BIN: where the release build is. PORT: the first of NODES + 1 free ports. PG_FSYNC=off: what is left without the disk.
set -euo pipefail
rounds=${1:-3} seconds=${2:-5} clients=${3:-64} nodes=${4:-1}
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
sqlite=$port
start_daemon "$sqlite" sqlite
for ((node = 1; node <= nodes; ++node)); do
  start_daemon $((port + node)) "host=$PG_DIR user=test dbname=postgres"
done

registrations() {  # clients, ports... -> "registrations_per_second median", of several ports the worst median
  local clients=$1 share left=$# asking=()
  shift
  for one in "$@"; do
    share=$((clients / --left)) clients=$((clients - share))
    if ((share == 0)); then continue; fi
    ROLLCALL_BENCH_CLIENT=$left wrk -t1 -c"$share" -d"${seconds}s" --latency -s "$here/bench/register.lua" "http://127.0.0.1:$one" >"$work/wrk-$one" &
    asking+=($!)
  done
  wait "${asking[@]}"
  if grep 'Non-2xx' "$work"/wrk-* >&2; then exit 1; fi
  cat "$work"/wrk-* | awk '/Requests\/sec/ { rate += $2 } /50%/ { if ($2 + 0 > median + 0) median = $2 } END { printf "%.0f/s, %s\n", rate, median }'
  rm "$work"/wrk-*
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
    echo "| $count | $(registrations "$count" $(seq $((port + 1)) $((port + nodes)))) | $(upserts "$count") | $(registrations "$count" "$sqlite") |"
  done
done
