#!/bin/bash
# Moves a link of `docker compose up` under load, while a broker node is killed and comes back:
# dev/images/move.sh COMM-010 async nats-2. Ends with 0 if the run completes and both sides are equal.
set -euo pipefail
cd "$(dirname "$0")/../.."
link=$1 target=$2 node=$3
WAITS_FOR_A_PERSON=3
relink() { docker compose exec -T operator relink "$@"; }

docker compose --profile traffic up --detach --no-recreate
relink start "$link" --to "$target" --way-back keep --detach

docker compose kill "$node"
sleep 5 # away long enough for another node to lead
docker compose up --detach --no-recreate --no-deps --wait "$node"

code=0
relink status last --watch || code=$?
[ "$code" = $WAITS_FOR_A_PERSON ] || exit "$code"
relink complete last --confirm "$link"
docker compose --profile traffic stop traffic
relink verify "$link"
relink reconcile
