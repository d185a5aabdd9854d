#!/usr/bin/env bash
# Kills a calibration at random moments (SIGKILL), starts it again until it ends, and compares what it wrote with an
# undisturbed run. The result is the same for any moments; the seed makes a run repeatable up to the machine's speed.
#
#   scripts/kill_test.sh NQCLI KILLS SEED -- MODEL --images DIR [calibrate options...]
#
# Works in a folder of its own below TMPDIR. Prints one line per kill and a summary; exits 1 at the first difference.
set -euo pipefail

nqcli=$(realpath "$1") kills=$2 seed=$3
[[ $4 == -- ]] || { echo "usage: $0 NQCLI KILLS SEED -- MODEL --images DIR [options]" >&2; exit 2; }
shift 4

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/whole" "$scratch/killed"
RANDOM=$seed

die() {
  echo "kill_test: $*"
  exit 1
}

start=$(date +%s%N)
"$nqcli" calibrate "$@" -q -o "$scratch/whole/q.onnx" --save-stats "$scratch/whole/stats" >/dev/null
whole_ms=$((($(date +%s%N) - start) / 1000000))
echo "undisturbed: $whole_ms ms"

same() {
  local file
  for file in q.onnx q.recipe.json stats; do cmp -s "$scratch/whole/$file" "$scratch/killed/$file" || die "$file differs"; done
  [[ -z $(find "$scratch/state" -name '*.nqcli-*') ]] || die "temporary files are left in the state"
}

command=("$nqcli" calibrate "$@" -q -o "$scratch/killed/q.onnx" --save-stats "$scratch/killed/stats"
  --state "$scratch/state" --save-every 0)
done_kills=0 rounds=0 attempts=0
while ((done_kills < kills)); do
  # One calibration: killed again and again until it gets through.
  rm -rf "$scratch/state" "$scratch/killed"
  mkdir "$scratch/killed"
  while true; do
    start=$(date +%s%N)
    ((++attempts <= 20 * kills + 100)) || die "no progress after $attempts starts"
    code=0
    "${command[@]}" >/dev/null 2>"$scratch/stderr" &
    pid=$!
    if ((done_kills < kills)); then
      moment=$((RANDOM * 32768 % (whole_ms + 1) + RANDOM % 10))
      until=$((start + moment * 1000000))
      while kill -0 "$pid" 2>/dev/null && (($(date +%s%N) < until)); do sleep 0.005; done
      kill -KILL "$pid" 2>/dev/null || true
    fi
    { wait "$pid"; } 2>/dev/null || code=$?
    case $code in
      0)
        # Moments after the end of the run kill nothing: a machine that became faster must not make the test endless.
        took_ms=$((($(date +%s%N) - start) / 1000000))
        ((took_ms >= whole_ms)) || whole_ms=$took_ms
        break
        ;;
      137)
        done_kills=$((done_kills + 1))
        saved=$(sed -n 's/.*"consumed": \([0-9]*\).*/\1/p' "$scratch/state/state.json" 2>/dev/null || true)
        fits=$(find "$scratch/state" -name 'fit.*.json' 2>/dev/null | wc -l || true)  # killed before the folder was made
        echo "kill $done_kills after $moment ms: ${saved:-0} images and $fits layer groups kept"
        ;;
      *) die "exit code $code: $(cat "$scratch/stderr")" ;;
    esac
  done
  rounds=$((rounds + 1))
  same
done
echo "$done_kills kills in $rounds calibrations: identical bytes every time"
