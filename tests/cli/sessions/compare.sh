#!/usr/bin/env bash
# compare: logits, layers, worst images.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx
image_folder images 9
pre=(--preprocess inception)

ok compare vit.onnx vit.onnx --images images "${pre[@]}" --json
json_has images logit_mse sqnr_db cosine kl agreement layers ranking unmatched worst reference_top1 other_top1
[[ $(json_value logit_mse) == 0.0 && $(json_value kl) == 0.0 && $(json_value agreement) == 1.0 ]] || fail "a model with itself"
[[ $(json_value sqnr_db) == null ]] || fail "no noise has no ratio"
grep -q '"accumulated_sqnr_db": [0-9]' ../.log/stdout && fail "layers of a model with itself are exact"

for fold in --fold --no-fold; do
  ok calibrate vit.onnx --images images "${pre[@]}" --method noisyquant --wbits 4 --abits 4 "$fold" -o "q$fold.onnx" -q
  ok eval "q$fold.onnx" --images images --reference vit.onnx --json -q
  mse=$(json_value logit_mse)
  # The preprocessing is found in the second model.
  ok compare vit.onnx "q$fold.onnx" --images images --json --worst 3
  awk -v a="$mse" -v b="$(json_value logit_mse)" 'BEGIN { exit !((a - b) ^ 2 < 1e-20) }' || fail "eval and compare measure another logit MSE"
  [[ $(grep -c '"kl":' ../.log/stdout) == 4 ]] || fail "--worst 3 lists three images"
  # The first quantized layer inherits nothing: its own error is all there is, noise folded or not.
  layer=$(sed -n '/"name": "\/fc1_product\/MatMul"/,/}/p' ../.log/stdout)
  local_db=$(sed -n -E 's/.*"local_sqnr_db": ([^,]*),.*/\1/p' <<<"$layer")
  all_db=$(sed -n -E 's/.*"accumulated_sqnr_db": ([^,]*),.*/\1/p' <<<"$layer")
  awk -v a="$local_db" -v b="$all_db" 'BEGIN { exit !(a > 3 && a < 40 && (a - b) ^ 2 < 0.0001) }' ||
    fail "first layer: local $local_db dB, accumulated $all_db dB"
  echo "$local_db" >"../.log/$fold"
done
awk -v a="$(cat ../.log/--fold)" -v b="$(cat ../.log/--no-fold)" 'BEGIN { exit !((a - b) ^ 2 < 0.01) }' ||
  fail "folding the noise changed the own error of a layer"
ok compare vit.onnx q--fold.onnx --images images
expect_stdout "layer, largest own error first" "/fc1_product/MatMul" "float" "exact"
ok compare vit.onnx q--fold.onnx --images images --no-layers --json -q
[[ $(json_value layers) == "[]" ]] || fail "--no-layers"
refuse 2 "OTHER is required" -- compare vit.onnx --images images

# Noise folded into the values of an attention is part of what those layers mean, not an error.
demo=$NQ_SOURCE/models/demo_vit.onnx
for fold in --fold --no-fold; do
  ok calibrate "$demo" --images "$NQ_SOURCE/models/images/calib" --num-images 4 --method noisyquant --wbits 6 --abits 6 \
    --candidates 10 --noise-candidates 5 "$fold" -o "demo$fold.onnx" -q
  ok compare "$demo" "demo$fold.onnx" --images "$NQ_SOURCE/models/images/calib" --limit 3 --json -q
  sed -n '/"layers": \[/,/^  \],/p' ../.log/stdout | grep -E '"(name|local_sqnr_db)":' | paste - - | grep -v null |
    sed -E 's/.*"name": "([^"]*)".*"local_sqnr_db": ([^,]*),.*/\1 \2/' >"../.log/demo$fold"
done
grep -q changed_values demo--fold.onnx || fail "the demo model folds no noise into values"
[[ $(wc -l <../.log/demo--fold) -ge 12 ]] || fail "the demo model has a dozen quantized layers"
paste -d ' ' ../.log/demo--fold ../.log/demo--no-fold |
  awk '$1 != $3 || ($2 - $4) ^ 2 > 0.25 { print; bad = 1 } END { exit bad }' || fail "folding the noise changed the own error of a layer"

# Products of attention are compared too, whatever a method folds into the layers that make their operands.
for method in easyquant best; do
  ok calibrate "$demo" --images "$NQ_SOURCE/models/images/calib" --num-images 4 --method $method --quantize all -o "all_$method.onnx" -q
  ok compare "$demo" "all_$method.onnx" --images "$NQ_SOURCE/models/images/calib" --limit 3 --json -q
  [[ $(json_value unmatched) == "[]" ]] || fail "$method: layers that could not be compared"
  sed -n '/"layers": \[/,/^  \],/p' ../.log/stdout | grep -E '"(name|local_sqnr_db)":' | paste - - |
    sed -E 's/.*"name": "([^"]*)".*"local_sqnr_db": ([^,]*),.*/\1 \2/' | grep 'attn/MatMul' >"../.log/products_$method"
  awk '!($2 > 25) { print; bad = 1 } END { exit bad || NR < 8 }' "../.log/products_$method" || fail "$method: own error of attention products"
done
grep -q changed_values all_best.onnx || fail "best folds nothing into the operands of attention"
