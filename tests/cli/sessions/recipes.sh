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
refuse 3 "missing.json" -- quantize vit.onnx --recipe missing.json -o c.onnx
head -c 300 a.recipe.json >cut.json
refuse 3 "cut.json" "JSON" -- quantize vit.onnx --recipe cut.json -o c.onnx
refuse 3 "vit.onnx" -- quantize vit.onnx --recipe vit.onnx -o c.onnx
sed 's/"schema": 1/"schema": 99/' a.recipe.json >future.json
refuse 3 "schema 99" -- quantize vit.onnx --recipe future.json -o c.onnx
sed 's/"bits": 8/"bits": 77/' a.recipe.json >bits.json
refuse 3 "bits" "77" -- quantize vit.onnx --recipe bits.json -o c.onnx
sed 's/"origin": "fc1_product"/"origin": "nowhere"/' a.recipe.json >nowhere.json
refuse 3 "nowhere" -- quantize vit.onnx --recipe nowhere.json -o c.onnx
