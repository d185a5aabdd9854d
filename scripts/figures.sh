#!/usr/bin/env bash
# Makes the NoisyQuant supplement's Table 1 and Figures 1 and 2 for one model: logit errors, scores of an image that one method
# gets wrong, and input and output of a layer; and a report for each number of bits.
#
#   scripts/figures.sh MODEL CALIB TEST OUT [BITS...]
#
# MODEL is float ONNX with its preprocessing beside it or named by NQ_PREPROCESS; CALIB and TEST are image folders, TEST with
# labels; BITS are numbers such as "6 4" (the default). NQ_LIMIT uses only that many test images, NQCLI names the program,
# NQ_CLASS_NAMES a file of class names, NQ_SITE the layer of Figure 2.
set -euo pipefail

if (($# < 4)); then
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
model=$1 calib=$2 test_images=$3 out=$4
shift 4
bits_list=("$@")
((${#bits_list[@]})) || bits_list=(6 4)
nqcli=${NQCLI:-$root/build/release/tools/nqcli/nqcli}
preprocess=()
[[ -z ${NQ_PREPROCESS:-} ]] || preprocess=(--preprocess "$NQ_PREPROCESS")
names=()
[[ -z ${NQ_CLASS_NAMES:-} ]] || names=(--class-names "$NQ_CLASS_NAMES")
mkdir -p "$out"

# A layer for Figure 2: the fc2 layer whose output error NoisyQuant lowers most against EasyQuant; any layer where no fc2 has a noisy bias.
figure2_site() {
  python3 -c '
import json, re, sys
def gain(site):
    easy, noisy = site["models"][:2]
    if not easy or not noisy or not easy["local_mse"] or not any(view["noisy_bias"] for view in noisy["quantizers"]):
        return 0
    return 1 - noisy["local_mse"] / easy["local_mse"]
sites = json.load(open(sys.argv[1]))["sites"]
fc2 = [site for site in sites if re.search("fc2|mlp/Gemm_1|linear_2", site["name"]) and gain(site) > 0]
print(max(fc2 or sites, key=gain)["name"])' "$1"
}
# An image of Figure 1: the float model and NoisyQuant are right, EasyQuant is wrong; nothing when there is none.
chosen_image() {
  python3 -c '
import json, sys
for image in json.load(open(sys.argv[1]))["pictures"]:
    correct = [found == image["label"] for found in image["classes"]]
    if correct[0] and not correct[1] and correct[2]:
        print(image["name"])
        break' "$1"
}

for bits in "${bits_list[@]}"; do
  form=w${bits}a${bits}
  models=()
  for method in easyquant noisyquant best; do
    file=$out/${method}_$form.onnx
    [[ -f $file ]] || "$nqcli" calibrate "$model" --images "$calib" "${preprocess[@]}" --method "$method" --wbits "$bits" --abits "$bits" \
      -o "$file" -q >/dev/null
    models+=(--model "$file")
  done
  report=$out/report_$form.html
  printf '\nTable 1: logit error at W%sA%s\n\n' "$bits" "$bits"
  "$nqcli" report --reference "$model" "${models[@]}" --label float --label EasyQuant --label NoisyQuant --label best \
    --images "$test_images" "${preprocess[@]}" "${names[@]}" --limit "${NQ_LIMIT:-0}" -o "$report" --data "$out/report_$form.json" -q
  image=$(chosen_image "$out/report_$form.json")
  site=${NQ_SITE:-$(figure2_site "$out/report_$form.json")}
  for ending in svg png; do
    "$nqcli" plot "$report" --figure mse -o "$out/table1_$form.$ending" -q
    "$nqcli" plot "$report" --figure scores ${image:+--image "$image"} -o "$out/figure1_$form.$ending" -q
    "$nqcli" plot "$report" --figure site --site "$site" --log --width 960 --height 300 -o "$out/figure2_$form.$ending" -q
  done
done
