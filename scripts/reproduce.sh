#!/usr/bin/env bash
# Measures every method at W8A8, W6A6 and W4A4 and prints the table of docs/results.md.
#
#   scripts/reproduce.sh [options]
#     --model FILE         float model                  (default: models/demo_vit.onnx)
#     --calib DIR          calibration images           (default: models/images/calib)
#     --eval DIR           labelled images to evaluate  (default: models/images/test)
#     --calib-images N     images used of --calib, chosen by the seed; 0 for all (default: 32)
#     --seeds "LIST"       seeds; figures are means over them (default: "0 1 2")
#     --methods "LIST"     methods                      (default: every method of nqcli)
#     --bits "LIST"        bit widths of weights and activations (default: "8 6 4")
#     --preprocess P       as for nqcli                 (default: what nqcli finds by itself)
#     --title TEXT         heading of the section       (default: the model's file name)
#     --nqcli FILE         program to measure           (default: build/release/tools/nqcli/nqcli)
#     --output FILE        write the section here       (default: stdout)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/scripts/measure.sh"

model=$root/models/demo_vit.onnx
calib=$root/models/images/calib
eval_images=$root/models/images/test
calib_images=32
seeds="0 1 2"
methods=""
bits_list="8 6 4"
preprocess=""
title=""
nqcli=$root/build/release/tools/nqcli/nqcli
output=""

while (($# > 0)); do
  if [[ $1 == -h || $1 == --help ]]; then
    sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 0
  fi
  if (($# < 2)); then
    echo "reproduce: $1 needs a value" >&2
    exit 2
  fi
  case $1 in
    --model) model=$2 ;;
    --calib) calib=$2 ;;
    --eval) eval_images=$2 ;;
    --calib-images) calib_images=$2 ;;
    --seeds) seeds=$2 ;;
    --methods) methods=$2 ;;
    --bits) bits_list=$2 ;;
    --preprocess) preprocess=$2 ;;
    --title) title=$2 ;;
    --nqcli) nqcli=$2 ;;
    --output) output=$2 ;;
    *)
      echo "reproduce: unknown option $1" >&2
      exit 2
      ;;
  esac
  shift 2
done

if [[ ! -x $nqcli ]]; then
  echo "reproduce: '$nqcli' is not there; build it: cmake --preset release && cmake --build --preset release" >&2
  exit 2
fi
if [[ -z $methods ]]; then
  methods=$("$nqcli" calibrate --help | sed -n -E 's/.*--method \{([^}]*)\}.*/\1/p' | tr ',' ' ')
fi
title=${title:-$(basename "$model")}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
pre=()
[[ -z $preprocess ]] || pre=(--preprocess "$preprocess")

# measure METHOD BITS SEED: prints "logit_mse agreement top1 seconds".
measure() {
  local name=$1_w$2_s$3 start=$EPOCHREALTIME seconds
  "$nqcli" calibrate "$model" --images "$calib" --num-images "$calib_images" --seed "$3" --method "$1" \
    --wbits "$2" --abits "$2" "${pre[@]}" -o "$scratch/$name.onnx" -q --json >"$scratch/$name.json"
  seconds=$(elapsed "$start")
  "$nqcli" eval "$scratch/$name.onnx" --images "$eval_images" --reference "$model" -q --json \
    >"$scratch/$name.eval.json"
  rm "$scratch/$name.onnx"
  echo "$(json_number "$scratch/$name.eval.json" logit_mse) $(json_number "$scratch/$name.eval.json" agreement)" \
    "$(json_number "$scratch/$name.eval.json" top1) $seconds"
}

section() {
  local method bits seed figures float=$scratch/float.json
  "$nqcli" eval "$model" --images "$eval_images" "${pre[@]}" -q --json >"$float"
  echo "## $title"
  echo
  echo "$(json_number "$float" images) images; $calib_images calibration images per seed (0: all); seeds $seeds;" \
    "figures are means over the seeds. Quantized: every linear layer of the blocks; patch embedding," \
    "classifier head, attention products, LayerNorm, Softmax and residual sums stay float."
  echo
  echo "| method | bits | logit MSE | agreement % | top-1 % | calibrate s |"
  echo "|---|---|---|---|---|---|"
  echo "| float | - | 0 | 100.00 | $(percent "$(json_number "$float" top1)") | - |"
  for bits in $bits_list; do
    for method in $methods; do
      figures=()
      for seed in $seeds; do figures+=("$(measure "$method" "$bits" "$seed")"); done
      printf '%s\n' "${figures[@]}" | awk -v method="$method" -v bits="$bits" '
        { mse += $1; agreement += $2; top1 += $3; labelled += $3 != "null"; seconds += $4 }
        END {
          accuracy = labelled == NR ? sprintf("%.2f", 100 * top1 / NR) : "-"
          printf "| %s | W%sA%s | %.4g | %.2f | %s | %.1f |\n", method, bits, bits, mse / NR, 100 * agreement / NR,
                 accuracy, seconds / NR
        }'
    done
  done
}

if [[ -n $output ]]; then section >"$output"; else section; fi
