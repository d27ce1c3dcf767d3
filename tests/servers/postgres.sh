#!/usr/bin/env bash
# A throwaway PostgreSQL cluster for tests, on a Unix socket in its own directory; no port is opened.
# usage: postgres.sh start | up | kill | stop | stop-processes | go-on | psql ARGS...
#   start           makes it and starts it; one left behind there goes first. Without PostgreSQL's programs nothing happens
#   kill, up        ends it at once, as a crash would; starts it again
#   stop-processes  SIGSTOPs all of it, which then answers nothing; go-on wakes it
#   stop            ends it and removes everything
# environment: PG_DIR, the directory (/tmp/rollcall-postgres), short enough for a socket's path
# Superuser `test` without a password; role `locked` with the password "correct horse".
set -euo pipefail
dir=${PG_DIR:-/tmp/rollcall-postgres}
bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)

# PostgreSQL refuses to run as root.
unprivileged() { if [[ $EUID -eq 0 ]]; then runuser -u postgres -- "$@"; else "$@"; fi; }

up() {
  unprivileged "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 -s start \
    -o "-c listen_addresses= -c unix_socket_directories=$dir -c max_connections=150" \
    -o "-c fsync=${PG_FSYNC:-off} -c shared_buffers=32MB"
}

end_it() { unprivileged "$bin/pg_ctl" -D "$dir/data" -m immediate -w -s stop || true; }

stop() {
  if [[ -f $dir/data/postmaster.pid ]]; then
    each_process CONT
    end_it
  fi
  rm -rf "$dir"
}

ask() { unprivileged "$bin/psql" -h "$dir" -U test -d postgres -X -q -v ON_ERROR_STOP=1 "$@"; }

start() {
  stop
  mkdir -p "$dir"
  if [[ $EUID -eq 0 ]]; then chown postgres "$dir"; fi
  unprivileged "$bin/initdb" -D "$dir/data" -U test -A trust -E UTF8 --locale=C --no-sync >"$dir/initdb.log"
  unprivileged sed -i '1i local all locked scram-sha-256' "$dir/data/pg_hba.conf"
  up
  ask -c "CREATE ROLE locked LOGIN PASSWORD 'correct horse'"
}

each_process() {
  local main
  main=$(head -1 "$dir/data/postmaster.pid")
  kill "-$1" "$main" $(pgrep -P "$main") 2>/dev/null || true
}

if [[ -z $bin ]]; then
  echo "no PostgreSQL is installed" >&2
  exit 0
fi
case "${1:-}" in
  start) start ;;
  up) up ;;
  kill) end_it ;;
  stop-processes) each_process STOP ;;
  go-on) each_process CONT ;;
  stop) stop ;;
  psql)
    shift
    ask "$@"
    ;;
  *)
    sed -n 2,9p "$0"
    exit 2
    ;;
esac
