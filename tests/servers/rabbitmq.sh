#!/usr/bin/env bash
# A throwaway RabbitMQ broker for tests, on loopback, with everything in a directory of its own.
# usage: rabbitmq.sh start | up | kill | stop | ctl ARGS...
#   start  makes it and starts it; one left behind there goes first. Without RabbitMQ's programs it fails
#   kill   ends it at once, as a crash would; up starts it again with what it had written
#   stop   ends it and removes everything
#   ctl    rabbitmqctl
# environment: RABBIT_DIR, the directory; RABBIT_PORT, where it listens; three more ports belong to it (see below)
#   RABBIT_TLS, a folder with server.pem, server.key and ca.pem: it also takes TLS, at RABBIT_PORT + 1
set -euo pipefail
dir=${RABBIT_DIR:?} port=${RABBIT_PORT:?}
readonly bin=/usr/lib/rabbitmq/bin

# Erlang's port mapper is this broker's own, so that stopping it takes nothing from others.
export ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=$((port + 2)) HOME=$dir
export RABBITMQ_NODENAME=rollcall$port@localhost RABBITMQ_DIST_PORT=$((port + 3))
export RABBITMQ_MNESIA_BASE=$dir/mnesia RABBITMQ_LOG_BASE=$dir/log RABBITMQ_PID_FILE=$dir/pid
export RABBITMQ_CONFIG_FILE=$dir/rabbitmq.conf RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_ENABLED_PLUGINS_FILE=$dir/plugins
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1} +S 2:2'

configure() {
  echo '[].' >"$RABBITMQ_ENABLED_PLUGINS_FILE"
  {
    echo "listeners.tcp.1 = 127.0.0.1:$port"
    echo 'disk_free_limit.absolute = 10MB'
    if [[ -n ${RABBIT_TLS:-} ]]; then
      printf '%s\n' "listeners.ssl.1 = 127.0.0.1:$((port + 1))" "ssl_options.cacertfile = $RABBIT_TLS/ca.pem" \
        "ssl_options.certfile = $RABBIT_TLS/server.pem" "ssl_options.keyfile = $RABBIT_TLS/server.key"
    fi
  } >"$RABBITMQ_CONFIG_FILE"
}

up() {
  rm -f "$dir/pid"
  : >"$dir/out"
  setsid "$bin/rabbitmq-server" >"$dir/out" 2>&1 </dev/null &
  for _ in $(seq 600); do
    if grep -q 'completed with' "$dir/out"; then return; fi
    sleep 0.1
  done
  tail -20 "$dir/out" >&2
  return 1
}

end_with() {
  local pid
  [[ -f $dir/pid ]] || return 0
  pid=$(<"$dir/pid")
  kill "-$1" "$pid" 2>/dev/null || return 0
  for _ in $(seq 200); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -9 "$pid"
}

stop() {
  end_with KILL
  epmd -port "$ERL_EPMD_PORT" -kill >/dev/null 2>&1 || true
  rm -rf "$dir"
}

case "${1:-}" in
  start)
    stop
    mkdir -p "$dir"/{mnesia,log}
    configure
    up
    ;;
  up) up ;;
  kill)
    # What is declared is confirmed before it is on disk: a broker that is killed within that moment forgets a binding.
    "$bin/rabbitmqctl" -q eval 'mnesia:sync_log().' >/dev/null
    end_with KILL
    ;;
  stop) stop ;;
  ctl)
    shift
    exec "$bin/rabbitmqctl" "$@"
    ;;
  *)
    sed -n 2,11p "$0"
    exit 2
    ;;
esac
