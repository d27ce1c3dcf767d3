#!/bin/bash
# A standby of $PRIMARY: copies it once, and follows it from then on.
set -euo pipefail
export PGPASSWORD=$POSTGRES_PASSWORD
data=${PGDATA:-/var/lib/postgresql/data}
if [[ ! -s $data/PG_VERSION ]]; then
  until gosu postgres pg_basebackup -h "$PRIMARY" -U postgres -D "$data" --write-recovery-conf --checkpoint=fast; do
    echo "waiting for $PRIMARY" >&2
    sleep 1
  done
  chmod 700 "$data"
fi
exec gosu postgres postgres -c hot_standby=on
