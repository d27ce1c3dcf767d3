#!/usr/bin/env bash
# A throwaway PostgreSQL cluster for tests, on a Unix socket in its own directory.
# usage: postgres.sh start | up | kill | stop | stop-processes | go-on | standby | promote | psql ARGS...
#   start           makes it and starts it; one left behind there goes first. Without PostgreSQL's programs nothing happens
#   kill, up        ends it at once, as a crash would; starts it again
#   stop-processes  SIGSTOPs all of it, which then answers nothing; go-on wakes it
#   standby         starts a standby, with its socket in PG_DIR/standby, which has every commit before it is acknowledged
#   promote         makes that a server of its own
#   stop            ends both and removes everything
# environment: PG_DIR, the directory (/tmp/rollcall-postgres), short enough for a socket's path
#   PG_TLS, a folder with server.pem, server.key and ca.pem: it also takes TLS on 127.0.0.1; no port is opened without it
#   PG_PORT, which port (5432); it is in the socket's name as well
# Superuser `test` without a password; role `locked` with the password "correct horse"; over TCP role `certified` by a
# client's certificate, everyone else by password, both under TLS alone.
set -euo pipefail
dir=${PG_DIR:-/tmp/rollcall-postgres}
export PGPORT=${PG_PORT:-5432}
bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)

# PostgreSQL refuses to run as root.
unprivileged() { if [[ $EUID -eq 0 ]]; then runuser -u postgres -- "$@"; else "$@"; fi; }

# The folder of a server: its data, its log and its socket.
control() { unprivileged "$bin/pg_ctl" -D "$1/data" -w -t 60 -s "${@:2}"; }

up() {
  control "$1" -l "$1/log" start \
    -o "-c unix_socket_directories=$1 -c max_connections=150" \
    -o "-c fsync=${PG_FSYNC:-off} -c shared_buffers=32MB"
}

end_it() { control "$1" -m immediate stop || true; }

stop() {
  if [[ -f $dir/standby/data/postmaster.pid ]]; then end_it "$dir/standby"; fi
  if [[ -f $dir/data/postmaster.pid ]]; then
    each_process CONT
    end_it "$dir"
  fi
  rm -rf "$dir"
}

standby() {
  unprivileged mkdir "$dir/standby"
  unprivileged "$bin/pg_basebackup" -h "$dir" -U test -D "$dir/standby/data" --write-recovery-conf --checkpoint=fast --no-sync
  up "$dir/standby"
  ask -c "ALTER SYSTEM SET synchronous_standby_names = '*'" -c "SELECT pg_reload_conf()"
}

ask() { unprivileged "$bin/psql" -h "$dir" -U test -d postgres -X -q -v ON_ERROR_STOP=1 "$@"; }

append() { unprivileged tee -a "$dir/data/$1" >/dev/null; }

# The server reads a key only if it is its own.
copy_in() { (umask 077 && unprivileged tee "$dir/data/$2" <"$PG_TLS/$1" >/dev/null); }

configure() {
  unprivileged sed -i '1i local all locked scram-sha-256' "$dir/data/pg_hba.conf"
  echo "listen_addresses = '${PG_TLS:+127.0.0.1}'" | append postgresql.conf
  [[ -n ${PG_TLS:-} ]] || return 0
  copy_in server.pem server.crt
  copy_in server.key server.key
  copy_in ca.pem ca.pem
  printf '%s\n' 'ssl = on' "ssl_ca_file = 'ca.pem'" | append postgresql.conf
  unprivileged sed -i '/^host/d' "$dir/data/pg_hba.conf"
  printf 'hostssl all %s 127.0.0.1/32 %s\n' certified cert all scram-sha-256 | append pg_hba.conf
}

start() {
  stop
  mkdir -p "$dir"
  if [[ $EUID -eq 0 ]]; then chown postgres "$dir"; fi
  unprivileged "$bin/initdb" -D "$dir/data" -U test -A trust -E UTF8 --locale=C --no-sync >"$dir/initdb.log"
  configure
  up "$dir"
  ask -c "CREATE ROLE locked LOGIN PASSWORD 'correct horse'" -c "CREATE ROLE certified LOGIN"
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
  up) up "$dir" ;;
  kill) end_it "$dir" ;;
  standby) standby ;;
  promote) control "$dir/standby" promote ;;
  stop-processes) each_process STOP ;;
  go-on) each_process CONT ;;
  stop) stop ;;
  psql)
    shift
    ask "$@"
    ;;
  *)
    sed -n 2,15p "$0"
    exit 2
    ;;
esac
