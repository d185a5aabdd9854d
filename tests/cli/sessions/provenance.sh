#!/usr/bin/env bash
# replay builds a file again or names the input that changed; diff compares two files; inspect reports the noise.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx
image_folder images 8
pre=(--images images --preprocess inception)

ok calibrate vit.onnx "${pre[@]}" -o best.onnx -q
ok calibrate vit.onnx "${pre[@]}" --method noisyquant --wbits 6 --abits 5 --no-fold --seed 7 --num-images 5 --alpha 0.6 --head \
  --exclude fc2 --target portable -o noisy.onnx -q
ok calibrate vit.onnx "${pre[@]}" --method easyquant --activation asymmetric --objective cosine --propagate quantized \
  --rounds 1 -o easy.onnx -q
for file in best noisy easy; do
  ok replay "$file.onnx" --model vit.onnx --images images
  expect_stdout "the same bytes"
done
ok replay best.onnx --model vit.onnx --images images --json
json_has identical inputs
[[ $(json_value identical) == true ]] || fail "identical"

# Evaluations: calibrate records its own, eval --record any other; inspect shows them, replay keeps them.
ok inspect best.onnx
expect_stdout "on 8 calibration images" "logit MSE" "top-1 agreement"
ok eval best.onnx "${pre[@]}" --reference vit.onnx --limit 5 --record recorded.onnx -q
correct=$(awk '/^top-1/ { gsub(/[(]/, ""); print $4 }' ../.log/stdout)
ok inspect recorded.onnx
expect_stdout "on 8 calibration images" "on 5 evaluation images" "top-1 $correct of 5"
ok replay recorded.onnx --model vit.onnx --images images
ok eval best.onnx "${pre[@]}" --reference vit.onnx --limit 5 --record recorded.onnx -q
ok inspect recorded.onnx --json
[[ $(grep -c '"set":' ../.log/stdout) == 2 ]] || fail "a repeated evaluation replaces the earlier one"
refuse 2 "would replace the input" -- eval best.onnx "${pre[@]}" --record best.onnx -q
refuse 2 "--record" -- eval best.onnx "${pre[@]}" --shard 1/2 --record recorded.onnx -q

# Options of the run are replayed too.
fixture open_vit open.onnx
cp -r images damaged
echo damaged >damaged/a/broken.jpg
ok calibrate open.onnx --images damaged --preprocess inception --input-shape 1,3,8,8 --bad-images skip --max-memory 300K -o open_q.onnx -q
ok replay open_q.onnx --model open.onnx --images damaged

refuse 3 "does not record how it was made" -- replay vit.onnx --model vit.onnx --images images
refuse 3 "sha256 of the model: was" -- replay best.onnx --model noisy.onnx --images images
cp -r images other
fixture image:99 other/a/image_0.bmp
refuse 3 "digest of the images: was" -- replay best.onnx --model vit.onnx --images other

ok diff best.onnx best.onnx --json
[[ $(json_value same) == true ]] || fail "a file and itself"
ok diff best.onnx noisy.onnx
expect_stdout "activation range" "weight scale" "metadata nqcli.method: best | noisyquant" "products that both have are quantized alike"
ok diff vit.onnx best.onnx --json
json_has same products equal_products file quantization graph
grep -q '"first": "float"' ../.log/stdout || fail "a float product against a quantized one"

# Explicit noise is stored and executed; folded noise costs nothing.
ok inspect noisy.onnx
expect_stdout "noisy bias" "of the parameters"
ok inspect best.onnx --json
json_has noise
ok inspect vit.onnx --json
[[ $(json_value noise) == null ]] || fail "a float model has no noisy bias"

# int16 noise and denoising biases: replayed, and the same accuracy but for two images of 200 on a rounding boundary.
demo=$NQ_SOURCE/models/demo_vit.onnx
demo_images=$NQ_SOURCE/models/images
for type in float32 int16; do
  ok calibrate "$demo" --images "$demo_images/calib" --num-images 4 --method noisyquant --wbits 6 --abits 6 --no-fold \
    --candidates 10 --noise-candidates 5 --noise-dtype "$type" -o "noise_$type.onnx" -q
  ok eval "noise_$type.onnx" --images "$demo_images/test" --reference "$demo" --limit 200 --json -q
  echo "$(json_value top1) $(json_value agreement) $(json_value logit_mse)" >"../.log/$type"
done
paste -d ' ' ../.log/float32 ../.log/int16 |
  awk '{ exit !(($1 - $4) ^ 2 < 0.0125 ^ 2 && ($2 - $5) ^ 2 < 0.0125 ^ 2 && ($3 / $6 - 1) ^ 2 < 0.1 ^ 2) }' || fail "int16 noise changed the accuracy: $(cat ../.log/float32 ../.log/int16)"
grep -q denoising_bias_int16 noise_int16.onnx || fail "no int16 constants were written"
grep -q denoising_bias_int16 noise_float32.onnx && fail "float32 is the default"
ok replay noise_int16.onnx --model "$demo" --images "$demo_images/calib"
ok verify noise_int16.onnx --target ort-cpu
refuse 2 "int16" -- calibrate vit.onnx "${pre[@]}" --noise-dtype int16 --target tensorrt -o no.onnx -q
