#!/usr/bin/env bash
# What a calibration costs against running the float model once over the same images, in turns.
#
#   scripts/bench_calibration.sh MODEL IMAGES [--num-images N] [--turns K] [--nqcli FILE] [-- CALIBRATE-OPTIONS...]
#
# A turn is one `nqcli eval MODEL` and one `nqcli calibrate MODEL`, whole processes, on N of the images (default: all). Prints
# the seconds of each turn and the medians of eval, calibrate and their ratio (default: 3 turns). Options after -- go to
# both where both know them (--preprocess, --threads), else to calibrate.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/scripts/measure.sh"

usage() { sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; }
(($# >= 2)) || { usage >&2; exit 2; }
model=$1 images=$2 count=0 turns=3 nqcli=$root/build/release/tools/nqcli/nqcli
shift 2
while (($# > 0)); do
  case $1 in
    --num-images) count=$2; shift 2 ;;
    --turns) turns=$2; shift 2 ;;
    --nqcli) nqcli=$2; shift 2 ;;
    --) shift; break ;;
    *) usage >&2; exit 2 ;;
  esac
done
both=()
for ((k = 1; k < $#; ++k)); do
  case ${!k} in --preprocess | --threads) next=$((k + 1)); both+=("${!k}" "${!next}") ;; esac
done
limit=()
((count == 0)) || limit=(--limit "$count")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# timed COMMAND...: its wall time in seconds
timed() {
  local start=$EPOCHREALTIME
  "$@" >"$work/out" 2>&1 || { cat "$work/out" >&2; exit 1; }
  elapsed "$start"
}
median() { sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

echo "turn  eval s  calibrate s  ratio"
for ((turn = 1; turn <= turns; ++turn)); do
  forward=$(timed "$nqcli" eval "$model" --images "$images" "${limit[@]}" "${both[@]}" -q)
  whole=$(timed "$nqcli" calibrate "$model" --images "$images" --num-images "$count" --no-preprocess-check -q "$@" -o "$work/q.onnx")
  awk -v t="$turn" -v f="$forward" -v w="$whole" 'BEGIN { printf "%4d %7.1f %12.1f %6.2f\n", t, f, w, w / f }' | tee -a "$work/turns"
done
echo "median $(awk '{ print $2 }' "$work/turns" | median) $(awk '{ print $3 }' "$work/turns" | median) $(awk '{ print $4 }' "$work/turns" | median)"
