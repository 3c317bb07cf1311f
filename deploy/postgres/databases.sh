#!/bin/bash
# Runs once, when the volume is empty: a database for each service, and a role that owns it and sees no other.
set -euo pipefail
for name in assessments hiring management bonuses finance relink; do
  psql --no-psqlrc -v ON_ERROR_STOP=1 -v name="$name" -v password="$(cat "/run/secrets/postgres-$name")" \
    --username "$POSTGRES_USER" --dbname postgres <<'SQL'
create role :"name" login password :'password';
create database :"name" owner :"name" encoding 'UTF8' template template0;
revoke connect on database :"name" from public;
SQL
done
