#!/usr/bin/env bash
# eval: accuracy, labels, comparison with a reference.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx
image_folder images 8
pre=(--preprocess inception)

ok eval vit.onnx --images images "${pre[@]}"
expect_stdout "images     8" "top-1" "top-5" "nothing: the model is float"
expect_stderr "class folders"

ok eval vit.onnx --images images "${pre[@]}" --json
json_has images top1 top5 labelled reference images_per_s skipped_images quantization preprocess
[[ $(json_value images) == 8 && $(json_value labelled) == 8 ]] || fail "counts"
[[ $(json_value reference) == null ]] || fail "no reference was given"

# A model agrees with itself perfectly: no error, no finite ratio.
ok eval vit.onnx --images images "${pre[@]}" --reference vit.onnx --json
[[ $(json_value logit_mse) == 0.0 && $(json_value agreement) == 1.0 && $(json_value sqnr_db) == null ]] ||
  fail "comparison of a model with itself"

ok calibrate vit.onnx --images images "${pre[@]}" --wbits 4 --abits 4 -o q.onnx -q
# The quantized file carries its preprocessing.
ok eval q.onnx --images images --reference vit.onnx --json
expect_stderr "preprocess:"
awk -v mse="$(json_value logit_mse)" 'BEGIN { exit !(mse > 0 && mse < 1) }' || fail "logit MSE of W4A4"
[[ $(grep -c '"weight_bits": 4' ../.log/stdout) == 2 ]] || fail "the quantized layers are listed"

# Results do not depend on batch or threads.
ok eval q.onnx --images images --reference vit.onnx --json --batch 1 --threads 1 -q
grep -E 'logit_mse|agreement|sqnr_db|top1' ../.log/stdout >../.log/one
ok eval q.onnx --images images --reference vit.onnx --json --batch 7 --threads 2 -q
grep -E 'logit_mse|agreement|sqnr_db|top1' ../.log/stdout | diff ../.log/one - || fail "batch or threads changed a result"

ok eval vit.onnx --images images "${pre[@]}" --limit 3 --json -q
[[ $(json_value images) == 3 ]] || fail "--limit"

# A labels file, unlabelled images, a sidecar.
printf 'a/image_0.bmp 1\nb/image_1.bmp 2\n' >labels.txt
ok eval vit.onnx --images images "${pre[@]}" --labels labels.txt --json
[[ $(json_value labelled) == 2 ]] || fail "--labels"
mkdir flat
cp images/a/*.bmp flat
ok eval vit.onnx --images flat "${pre[@]}" --json
[[ $(json_value top1) == null ]] || fail "unlabelled images have no accuracy"
refuse 2 "preprocess" -- eval vit.onnx --images images
"$NQCLI" calibrate vit.onnx --images images "${pre[@]}" -o side.onnx --json -q |
  sed -n '/^  "preprocess": {/,/^  }/p' | sed '1s/.*/{/;$s/,$//' >vit.preprocess.json
ok eval vit.onnx --images images
expect_stderr "vit.preprocess.json"
