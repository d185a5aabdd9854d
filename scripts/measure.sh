#!/usr/bin/env bash
# Functions that read nqcli's JSON documents; sourced by demo.sh and reproduce.sh.

# json_number FILE KEY: the first number, or null, under KEY at the top level or one level below.
json_number() {
  local value
  value=$(sed -n -E "s/^ {2,4}\"$2\": ([-+.0-9eE]+|null),?\$/\1/p" "$1" | head -n 1)
  if [[ -z $value ]]; then
    echo "measure: no '$2' in $1" >&2
    return 1
  fi
  echo "$value"
}

# percent FRACTION: "81.60", or "-" for null.
percent() {
  if [[ $1 == null ]]; then echo "-"; else awk -v x="$1" 'BEGIN { printf "%.2f", 100 * x }'; fi
}

# elapsed START: seconds since START, a value of EPOCHREALTIME.
elapsed() {
  awk -v start="$1" -v now="$EPOCHREALTIME" 'BEGIN { printf "%.1f", now - start }'
}
