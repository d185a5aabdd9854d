#!/usr/bin/env bash
# float16 models: written as float16 around float32 layers, or as float32 on request.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture half_vit half.onnx
image_folder images 8
pre=(--images images --preprocess inception)

ok calibrate half.onnx "${pre[@]}" -o kept.onnx -q
ok inspect kept.onnx
expect_stdout "input       input  float16" "output      logits  float16" "Cast"

# Layers of reduced floats are compared like others.
ok compare half.onnx kept.onnx "${pre[@]}" --json -q
[[ $(json_value unmatched) == "[]" ]] || fail "layers without counterpart"
local_db=$(sed -n '/"name": "\/fc1_product\/MatMul"/,/}/p' ../.log/stdout | sed -n -E 's/.*"local_sqnr_db": ([^,]*),.*/\1/p')
awk -v db="$local_db" 'BEGIN { exit !(db > 30 && db < 70) }' || fail "own error of fc1: $local_db dB"

ok calibrate half.onnx "${pre[@]}" --float32 -o whole.onnx --save-stats whole.stats -q
ok inspect whole.onnx
expect_stdout "input       input  float32" "output      logits  float32"
grep -q Cast ../.log/stdout && fail "a float32 model needs no Cast"

# The file differs from the float16 model by its quantization alone, and its recipe knows the type.
ok eval whole.onnx "${pre[@]}" --reference half.onnx --json -q
[[ $(json_value sqnr_db) == 3* || $(json_value sqnr_db) == 4* ]] || fail "sqnr_db $(json_value sqnr_db)"
ok quantize half.onnx --recipe whole.recipe.json -o again.onnx -q
cmp whole.onnx again.onnx || fail "quantize --recipe gave other bytes"
ok quantize half.onnx --stats whole.stats --float32 -o stats.onnx -q
ok diff stats.onnx whole.onnx --json
[[ $(json_value quantization) == "[]" ]] || fail "statistics gave another quantization: $(json_value quantization)"
ok replay whole.onnx --model half.onnx --images images
