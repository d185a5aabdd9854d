#!/usr/bin/env bash
# Weights of at most 4 bits stored as INT4: half the bytes, the same results, and every command reads them.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx
fixture input_tensor images.pb
image_folder images 8
pre=(--images images --preprocess inception)

ok calibrate vit.onnx "${pre[@]}" --wbits 4 --abits 6 -o bytes.onnx -q
ok calibrate vit.onnx "${pre[@]}" --wbits 4 --abits 6 --weight-storage int4 -o nibbles.onnx -q
ok quantize vit.onnx --recipe bytes.recipe.json --weight-storage int4 -o again.onnx
cmp nibbles.onnx again.onnx || fail "a recipe stored as int4 gave other bytes than calibrate"
ok quantize vit.onnx --recipe nibbles.recipe.json --weight-storage int8 -o again.onnx
cmp bytes.onnx again.onnx || fail "a recipe stored as int8 again gave other bytes than calibrate"
ok replay nibbles.onnx --model vit.onnx --images images
for file in bytes nibbles; do
  ok run "$file.onnx" --input images.pb --output-dir "$file"
  ok run "$file.onnx" --input images.pb --output-dir "$file.reference" --kernels reference
done
cmp bytes/logits.pb nibbles/logits.pb || fail "int4 storage changed the results"
cmp bytes.reference/logits.pb nibbles.reference/logits.pb || fail "int4 storage changed the results of the reference kernels"

ok inspect nibbles.onnx --json
grep -q '"opset": 21' ../.log/stdout || fail "int4 needs opset 21"
ok verify nibbles.onnx --target ort-cpu
ok eval nibbles.onnx --images images --reference vit.onnx --json -q
same=$(json_value logit_mse)
ok eval bytes.onnx --images images --reference vit.onnx --json -q
[[ $(json_value logit_mse) == "$same" ]] || fail "eval differs: $same"
ok diff bytes.onnx nibbles.onnx
expect_stdout "products that both have are quantized alike"

# The bundled model: codes are most of the file.
demo=$NQ_SOURCE/models/demo_vit.onnx
for storage in int8 int4; do
  ok calibrate "$demo" --images "$NQ_SOURCE/models/images/calib" --num-images 2 --method minmax --wbits 4 --weight-storage "$storage" \
    -o "$storage.onnx" -q --json
  json_has output_bytes
done
ratio=$((100 * $(stat -c %s int4.onnx) / $(stat -c %s int8.onnx)))
((ratio < 75)) || fail "int4 storage has $ratio % of the bytes of int8 storage"

# Mixed bits: what does not fit stays int8; nothing that fits is an error.
ok calibrate vit.onnx "${pre[@]}" --method minmax --bits fc1=w3 --weight-storage int4 -o mixed.onnx -q
grep -q fc1.weight_quantized_int4 mixed.onnx || fail "the layer of 3 bits is not stored as int4"
grep -q fc2.weight_quantized_int4 mixed.onnx && fail "a layer of 8 bits cannot be stored as int4"
refuse 2 "at most 4 bits" "--wbits is 8" -- calibrate vit.onnx "${pre[@]}" --weight-storage int4 -o no.onnx -q
ok calibrate vit.onnx "${pre[@]}" --method minmax -o eight.onnx -q
refuse 2 "at most 4 bits" -- quantize vit.onnx --recipe eight.recipe.json --weight-storage int4 -o no.onnx -q
refuse 2 "int4" -- calibrate vit.onnx "${pre[@]}" --wbits 4 --weight-storage int4 --target tensorrt -o no.onnx -q
