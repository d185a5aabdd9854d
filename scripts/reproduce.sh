#!/usr/bin/env bash
# Measures the tables of the paper's supplement, and those of method best, on any models and images.
#
#   scripts/reproduce.sh table1|table2|table3|lowbit|ablation [options]
#     table1     logit MSE of EasyQuant, NoisyQuant and best at W6A6
#     table2     the same methods with 32, 128 and all calibration images
#     table3     EasyQuant and NoisyQuant without and with reparameterization (RepQ-ViT, Outlier Suppression)
#     lowbit     the methods at W8A8, W6A6, W5A5, W4A8 and W4A4
#     ablation   best, and best without each of its parts, at W6A6 and W4A4
#   options
#     --models "LIST"        float models, each FILE or NAME=FILE  (default: demo=models/demo_vit.onnx)
#     --calib DIR            calibration images                    (default: models/images/calib)
#     --eval "LIST"          folders of images to evaluate on      (default: models/images/test)
#     --calib-images "LIST"  sizes, chosen by the seed; 0 for all  (default: 32; table2: 32 128 0)
#     --seeds "LIST"         of images and noise                   (default: 0 1 2)
#     --methods "LIST"       instead of the table's own
#     --bits "LIST"          as W/A, e.g. "6/6 4/8", instead of the table's own
#     --quantize linear|all  as for nqcli; the rows of `all` say so (default: linear)
#     --preprocess P         as for nqcli                          (default: what nqcli finds by itself)
#     --threads N            as for nqcli                          (default: 0, all)
#     --work DIR             keeps every measured run; a later call goes on from there (default: a temporary folder)
#     --output FILE          Markdown table                        (default: stdout)
#     --json FILE            the same figures as JSON
#     --nqcli FILE           program to measure                    (default: build/release/tools/nqcli/nqcli)
#
# One FP32 pass per model, size and seed fills a statistics file; every run fits to that. Needs python3.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() { sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; }
refuse() {
  echo "reproduce: $*" >&2
  exit 2
}

models="demo=$root/models/demo_vit.onnx"
calib=$root/models/images/calib
eval_list=$root/models/images/test
sizes=""
seeds="0 1 2"
methods=""
bits_list=""
preprocess=""
quantize=linear
threads=0
work=""
output=""
json=""
nqcli=$root/build/release/tools/nqcli/nqcli

(($# > 0)) || refuse "which table? --help lists them"
if [[ $1 == -h || $1 == --help ]]; then
  usage
  exit 0
fi
table=$1
shift
while (($# > 0)); do
  (($# > 1)) || refuse "$1 needs a value"
  case $1 in
    --models) models=$2 ;;
    --calib) calib=$2 ;;
    --eval) eval_list=$2 ;;
    --calib-images) sizes=$2 ;;
    --seeds) seeds=$2 ;;
    --methods) methods=$2 ;;
    --bits) bits_list=$2 ;;
    --preprocess) preprocess=$2 ;;
    --quantize) quantize=$2 ;;
    --threads) threads=$2 ;;
    --work) work=$2 ;;
    --output) output=$2 ;;
    --json) json=$2 ;;
    --nqcli) nqcli=$2 ;;
    *) refuse "unknown option $1" ;;
  esac
  shift 2
done

# Runs of a table: METHOD or METHOD+VARIANT; options_of tells what a variant adds.
parts="channel_scale outlier_channels noisy_bias bias_correction compensation weight_scale weight_codes"
case $table in
  table1) runs="easyquant noisyquant best" bits="6/6" default_sizes="32" ;;
  table2) runs="easyquant noisyquant best" bits="6/6" default_sizes="32 128 0" ;;
  table3)
    runs="easyquant noisyquant easyquant+repq noisyquant+repq easyquant+os noisyquant+os"
    bits="6/6" default_sizes="32"
    ;;
  lowbit) runs="easyquant noisyquant best" bits="8/8 6/6 5/5 4/8 4/4" default_sizes="32" ;;
  ablation)
    runs="easyquant best"
    for part in $parts; do runs+=" best+without-$part"; done
    bits="6/6 4/4" default_sizes="32"
    ;;
  *) refuse "unknown table '$table'; --help lists them" ;;
esac
runs=${methods:-$runs}
bits=${bits_list:-$bits}
sizes=${sizes:-$default_sizes}
[[ -x $nqcli ]] || refuse "'$nqcli' is not there; build it: cmake --preset release && cmake --build --preset release"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
work=${work:-$scratch/runs}
set_suffix=""
[[ $quantize == linear ]] || set_suffix=+$quantize
pre=()
[[ -z $preprocess ]] || pre=(--preprocess "$preprocess")

options_of() {
  case $1 in
    "") ;;
    repq | os) echo "--reparam $1" ;;
    without-*) echo "--best-without ${1#without-}" ;;
    *) refuse "unknown variant '$1'" ;;
  esac
}

# fit MODEL NAME SIZE SEED: every missing run of one choice of calibration images.
fit() {
  local run pair method variant tag file missing folder words
  local statistics=$scratch/calib.stats
  rm -f "$statistics"
  for pair in $bits; do
    for run in $runs; do
      method=${run%%+*} variant=""
      [[ $run != *+* ]] || variant=${run#*+}
      tag=${run}${set_suffix}_w${pair%/*}a${pair#*/}
      missing=""
      for folder in $eval_list; do
        file=$work/$2/$(basename "$folder")/n$3_s$4/$tag.json
        [[ -s $file ]] || missing+=" $folder"
      done
      [[ -n $missing ]] || continue
      if [[ ! -s $statistics ]]; then
        "$nqcli" calibrate "$1" --images "$calib" --num-images "$3" --seed "$4" "${pre[@]}" --method minmax \
          --quantize "$quantize" --threads "$threads" --save-stats "$statistics" -o "$scratch/float.onnx" -q
      fi
      read -ra words <<<"$(options_of "$variant")"
      "$nqcli" quantize "$1" --stats "$statistics" --method "$method" --wbits "${pair%/*}" --abits "${pair#*/}" \
        --seed "$4" "${words[@]}" --quantize "$quantize" --threads "$threads" -o "$scratch/run.onnx" -q
      for folder in $missing; do
        file=$work/$2/$(basename "$folder")/n$3_s$4/$tag.json
        mkdir -p "$(dirname "$file")"
        "$nqcli" eval "$scratch/run.onnx" --images "$folder" --reference "$1" --threads "$threads" -q --json \
          >"$scratch/eval.json"
        mv "$scratch/eval.json" "$file"
      done
    done
  done
}

for model in $models; do
  file=${model#*=}
  name=$(basename "${model%%=*}" .onnx)
  for size in $sizes; do
    for seed in $seeds; do fit "$file" "$name" "$size" "$seed"; done
  done
done
summary=(python3 "$root/scripts/summarize_runs.py" "$work")
[[ -z $json ]] || summary+=(--json "$json")
if [[ -n $output ]]; then "${summary[@]}" >"$output"; else "${summary[@]}"; fi
