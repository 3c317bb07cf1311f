#!/bin/bash
# What the official image does at its first start, as far as compose.yaml uses it.
set -euo pipefail
umask 077
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  read -ra arguments <<< "${POSTGRES_INITDB_ARGS:-}"
  initdb --username postgres --pwfile "$POSTGRES_PASSWORD_FILE" --auth-local trust "${arguments[@]}" -D "$PGDATA"
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  pg_ctl -D "$PGDATA" -w start -o "-c listen_addresses='' -c unix_socket_directories=/var/run/postgresql"
  export POSTGRES_USER=postgres PGHOST=/var/run/postgresql
  for script in /docker-entrypoint-initdb.d/*.sh; do bash "$script"; done
  pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql
