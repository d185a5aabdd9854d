#!/usr/bin/env bash
# --input-name and --output-name: a part of a model with several inputs and outputs.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture two_towers towers.onnx
fixture tiny_vit vit.onnx
image_folder images 4
pre=(--images images --preprocess inception)
part=(--input-name input --output-name logits)

ok inspect towers.onnx --input-shape 1,3,8,8
expect_stdout "input       ids" "output      score" "output      logits  float32 [batch,6]  (counts as the logits"

refuse 4 "2 inputs (input, ids)" "--output-name" -- calibrate towers.onnx "${pre[@]}" -o q.onnx -q
refuse 4 "besides 'input' the model needs ids to compute score" -- \
  calibrate towers.onnx "${pre[@]}" --input-name input --output-name score -o q.onnx -q
refuse 2 "no output 'features'" "logits, score" -- calibrate towers.onnx "${pre[@]}" --output-name features -o q.onnx -q
refuse 2 "no input 'pixels'" -- calibrate towers.onnx "${pre[@]}" --input-name pixels --output-name logits -o q.onnx -q

ok calibrate towers.onnx "${pre[@]}" "${part[@]}" -o q.onnx --recipe-out q.json -q
# The file keeps both inputs and outputs; recipe and replay know the part.
ok inspect q.onnx
expect_stdout "input       ids" "output      score" "already W8A8"
ok quantize towers.onnx --recipe q.json -o again.onnx -q
cmp q.onnx again.onnx || fail "quantize gives other bytes"
ok replay q.onnx --model towers.onnx --images images -q
ok eval q.onnx "${pre[@]}" "${part[@]}" --reference towers.onnx -q
expect_stdout "agreement"
