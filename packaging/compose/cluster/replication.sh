#!/bin/sh
# In a new primary: who may replicate from it, and that each commit waits for the standby. A promoted standby lacks nothing
# that was acknowledged then.
set -eu
echo "host replication postgres samenet scram-sha-256" >>"$PGDATA/pg_hba.conf"
psql -U "$POSTGRES_USER" -c "ALTER SYSTEM SET synchronous_standby_names = '*'"
