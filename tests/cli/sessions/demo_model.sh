#!/usr/bin/env bash
# The bundled model: FP32 accuracy, and what 8 and 4 bits cost.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

model=$NQ_SOURCE/models/demo_vit.onnx
[[ -f $model ]] || skip "models/demo_vit.onnx is not there"
test_images=$NQ_SOURCE/models/images/test
calib=$NQ_SOURCE/models/images/calib

ok eval "$model" --images "$test_images" --json -q
awk -v top1="$(json_value top1)" -v images="$(json_value images)" 'BEGIN { exit !(top1 >= 0.95 && images >= 500) }' ||
  fail "FP32 top-1 on at least 500 images is at least 95 %"
float=$(json_value top1)

for bits in 8 4; do
  ok calibrate "$model" --images "$calib" --wbits $bits --abits $bits -o w$bits.onnx -q
  ok eval w$bits.onnx --images "$test_images" --reference "$model" --json -q
  declare "top1_$bits=$(json_value top1)" "mse_$bits=$(json_value logit_mse)"
done
# W8A8 costs at most one point; W4A4 visibly hurts, in the logits and, at 600 images, beyond chance in top-1.
awk -v float="$float" -v top1="$top1_8" 'BEGIN { exit !(top1 >= float - 0.01) }' || fail "W8A8 top-1 is $top1_8"
awk -v eight="$mse_8" -v four="$mse_4" 'BEGIN { exit !(four > 10 * eight) }' || fail "W4A4 is no worse than W8A8"
awk -v float="$float" -v top1="$top1_4" 'BEGIN { exit !(top1 <= float - 0.02) }' || fail "W4A4 top-1 is $top1_4"

# The exact set: the head reads a gathered token, which is no side path of a quantized layer.
ok eval w4.onnx --images "$test_images" --limit 4 -q
expect_stdout "24 linear W4A4; float: 12 attention products, patch embedding, head"
