#!/usr/bin/env bash
# quantize: the same bytes from a recipe; other recipes are refused.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx
fixture tiny_vit_other other.onnx
image_folder images 6

for options in "--wbits 8 --abits 8" "--wbits 4 --abits 6 --no-fold" \
  "--activation asymmetric --head --patch-embed --method easyquant"; do
  read -ra words <<<"$options"
  ok calibrate vit.onnx --images images --preprocess inception "${words[@]}" -o a.onnx -q
  ok quantize vit.onnx --recipe a.recipe.json -o b.onnx --json
  json_has output output_bytes quantization
  cmp a.onnx b.onnx || fail "quantize gave other bytes than calibrate with $options"
done

# Names and place do not matter, the model's content does.
mkdir elsewhere
mv vit.onnx elsewhere/renamed.onnx
ok quantize elsewhere/renamed.onnx --recipe a.recipe.json
cmp a.onnx renamed_w8a8.onnx || fail "default output of quantize"
mv elsewhere/renamed.onnx vit.onnx

refuse 3 "another model" -- quantize other.onnx --recipe a.recipe.json -o c.onnx
refuse 3 "another model" -- quantize a.onnx --recipe a.recipe.json -o c.onnx
# What would fit otherwise than the recipe says is refused rather than ignored.
for option in "--wbits 4" "--method minmax" "--no-fold" "--seed 2" "--include fc1" "--recipe-out c.json" "--quantize all"; do
  refuse 2 "goes with --stats, not with --recipe" -- quantize vit.onnx --recipe a.recipe.json $option -o c.onnx
done
[[ ! -e c.onnx ]] || fail "a model was written with options that a recipe does not take"
refuse 3 "missing.json" -- quantize vit.onnx --recipe missing.json -o c.onnx
head -c 300 a.recipe.json >cut.json
refuse 3 "cut.json" "JSON" -- quantize vit.onnx --recipe cut.json -o c.onnx
refuse 3 "vit.onnx" -- quantize vit.onnx --recipe vit.onnx -o c.onnx
sed 's/"schema": 2/"schema": 99/' a.recipe.json >future.json
refuse 3 "schema 99" -- quantize vit.onnx --recipe future.json -o c.onnx
sed 's/"bits": 8/"bits": 77/' a.recipe.json >bits.json
refuse 3 "bits" "77" -- quantize vit.onnx --recipe bits.json -o c.onnx
sed 's/"origin": "fc1_product"/"origin": "nowhere"/' a.recipe.json >nowhere.json
refuse 3 "nowhere" -- quantize vit.onnx --recipe nowhere.json -o c.onnx

# Attention products too: the same bytes from the recipe, for any number of threads.
if [[ -f $NQ_SOURCE/models/demo_vit.onnx ]]; then
  demo=$NQ_SOURCE/models/demo_vit.onnx
  for threads in 1 2; do
    ok calibrate "$demo" --images "$NQ_SOURCE/models/images/calib" --num-images 4 --quantize all --wbits 6 --abits 6 \
      --threads "$threads" -o "all$threads.onnx" -q
  done
  expect_stdout "12 attention products A6, patch embedding W6A6, head W6A6; float:" "attention product"
  cmp all1.onnx all2.onnx || fail "the products depend on the number of threads"
  ok quantize "$demo" --recipe all1.recipe.json -o again.onnx -q
  expect_stdout "12 attention products A6"
  cmp all1.onnx again.onnx || fail "quantize gave other bytes than calibrate --quantize all"
  ok calibrate "$demo" --images "$NQ_SOURCE/models/images/calib" --num-images 4 --quantize all --propagate quantized \
    --method minmax --exclude 'blocks.0/attn/MatMul$' -o sequential.onnx -q
  expect_stdout "11 attention products A8" "float: 1 attention product"
  ok calibrate "$demo" --images "$NQ_SOURCE/models/images/calib" --quantize all --dry-run
  expect_stdout "and 12 of 12 attention products"
fi
