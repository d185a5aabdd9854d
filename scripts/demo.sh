#!/usr/bin/env bash
# Installs what is missing, builds nqcli, quantizes the bundled ViT at 8, 6 and 4 bits, and prints what
# that costs on its test images.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/measure.sh

model=models/demo_vit.onnx
calib=models/images/calib
test_images=models/images/test
method=best

scripts/install_deps.sh
/usr/bin/cmake --preset release >/dev/null
/usr/bin/cmake --build --preset release -j "$(nproc)"
nqcli=build/release/tools/nqcli/nqcli

out=build/demo
mkdir -p "$out"

row() { printf '%-6s  %9s  %12s  %12s  %8s\n' "$@"; }

# evaluate NAME FILE START: one row of the table.
evaluate() {
  local report=$out/$1.eval.json
  "$nqcli" eval "$2" --images "$test_images" --preprocess "${model%.onnx}.preprocess.json" \
    --reference "$model" -q --json >"$report"
  row "$1" "$(percent "$(json_number "$report" top1)") %" "$(json_number "$report" logit_mse | xargs printf '%.4g')" \
    "$(stat -c %s "$2")" "$(elapsed "$3")"
}

printf '\nmethod %s, %s calibration images, %s test images\n\n' "$method" \
  "$(find "$calib" -name '*.png' | wc -l)" "$(find "$test_images" -name '*.png' | wc -l)"
row "" top-1 "logit MSE" "file bytes" seconds
evaluate fp32 "$model" "$EPOCHREALTIME"
for bits in 8 6 4; do
  start=$EPOCHREALTIME
  name=w${bits}a${bits}
  "$nqcli" calibrate "$model" --images "$calib" --method "$method" --wbits "$bits" --abits "$bits" \
    -o "$out/demo_vit_$name.onnx" -q --json >"$out/$name.json"
  evaluate "$name" "$out/demo_vit_$name.onnx" "$start"
done
printf '\nQuantized layers: %s\nFiles: %s/\n' \
  "every linear layer of the blocks; patch embedding and head stay float" "$out"
