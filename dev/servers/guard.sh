# Stops what its parent process left running; see guard.ts.
# Standard input: "+ pid signal name" and "- pid". $1: file for the names of what was left.
trap '' INT TERM HUP

list=''
while read -r sign pid signal name; do
  case $sign in
    +) list="$list $pid:$signal:$name" ;;
    -)
      kept=''
      for entry in $list; do
        case $entry in
          "$pid":*) ;;
          *) kept="$kept $entry" ;;
        esac
      done
      list=$kept
      ;;
  esac
done

# A zombie (Z) has ended: only its exit code has not been collected yet.
is_alive() {
  kill -s 0 "$1" 2>/dev/null || return 1
  [ -r "/proc/$1/stat" ] || return 0
  read -r _ _ state _ 2>/dev/null <"/proc/$1/stat" || return 1
  [ "$state" != Z ]
}

for entry in $list; do
  pid=${entry%%:*}
  rest=${entry#*:}
  kill -s "${rest%%:*}" "$pid" 2>/dev/null && kill -s CONT "$pid" 2>/dev/null
  if [ -n "$1" ]; then echo "${rest#*:} (pid $pid)" >>"$1"; fi
done

tries=0
while [ $tries -lt 100 ]; do
  alive=''
  for entry in $list; do
    if is_alive "${entry%%:*}"; then alive="$alive ${entry%%:*}"; fi
  done
  if [ -z "$alive" ]; then exit 0; fi
  sleep 0.1
  tries=$((tries + 1))
done
for pid in $alive; do kill -s KILL "$pid" 2>/dev/null; done
