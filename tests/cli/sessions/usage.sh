#!/usr/bin/env bash
# Usage errors: exit code 2, one line that says what was expected.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx
image_folder images 4

run
expect_exit 2
expect_no_stdout
expect_stderr "Examples:" "error[usage]: a command"

refuse 2 "calbrate" "did you mean 'calibrate'?" -- calbrate vit.onnx
refuse 2 "did you mean '--images'?" "nqcli eval --help" -- eval vit.onnx --imgaes images
refuse 2 "MODEL is required" -- inspect
refuse 2 "--images is required" -- eval vit.onnx
refuse 2 "--output-dir is required" -- run vit.onnx --input x.npy
refuse 2 "either --recipe or --stats" -- quantize vit.onnx
refuse 2 "--wbits" "9" -- calibrate vit.onnx --images images --wbits 9
refuse 2 "--abits" "1" -- calibrate vit.onnx --images images --abits 1
refuse 2 "--method" "minmaxx" "noisyquant" -- calibrate vit.onnx --images images --method minmaxx
refuse 2 "--threads" -- inspect vit.onnx --threads -1
refuse 2 "--num-images" -- calibrate vit.onnx --images images --num-images -3
refuse 2 "--seed" -- calibrate vit.onnx --images images --seed x
refuse 2 "--max-memory" -- calibrate vit.onnx --images images --max-memory lots
refuse 2 "--batch" -- bench vit.onnx --batch 0
refuse 2 "--input-shape" -- inspect vit.onnx --input-shape 1,3,8
refuse 2 "--include" "regular expression" -- \
  calibrate vit.onnx --images images --preprocess inception --include '('
refuse 2 "--alpha" -- calibrate vit.onnx --images images --alpha 0
refuse 2 "range [2, 1]" -- calibrate vit.onnx --images images --preprocess inception --alpha 2 --beta 1 -q
refuse 2 "preprocess" -- calibrate vit.onnx --images images
refuse 2 "nonsense" -- calibrate vit.onnx --images images --preprocess nonsense
refuse 2 "contradicts" -- calibrate vit.onnx --images images --preprocess inception --input-shape 1,3,16,16
refuse 2 "would replace the input" -- calibrate vit.onnx --images images --preprocess inception -o ./vit.onnx
refuse 2 "would replace the input" -- \
  calibrate vit.onnx --images images --preprocess inception -o q.onnx --recipe-out q.onnx
echo "a/image_0.bmp 9" >labels.txt
refuse 2 "label 9" -- eval vit.onnx --images images --preprocess inception --labels labels.txt
