#!/usr/bin/env bash
# inspect: layers, shapes and reasons, as a table and as JSON.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx
image_folder images 4

ok inspect vit.onnx
expect_stdout "opset 17" "float32 [batch,3,8,8]" "MatMul 2" "/fc1_product/MatMul" "LayerNormalization" \
  "no: patch embedding (--patch-embed)" "no: classifier head (--head)" "4 linear layers"

ok inspect vit.onnx --json
json_has model inputs outputs operators unsupported sites rejected quantization macs tokens c_in c_out
[[ $(json_value quantize) == false ]] || fail "the patch embedding comes first and stays float"
expect_stdout '"tokens": 4'

ok inspect vit.onnx --head --patch-embed --exclude fc2
expect_stdout "no: matched by --exclude"
ok inspect vit.onnx --include fc2 --json
[[ $(grep -c '"quantize": true' ../.log/stdout) == 1 ]] || fail "--include chooses one layer"

ok calibrate vit.onnx --images images --preprocess inception --wbits 6 --abits 4 -o q.onnx -q
ok inspect q.onnx
expect_stdout "already W6A4" "DequantizeLinear"
ok inspect q.onnx --json
expect_stdout '"activation_bits": 4' '"weight_bits": 6' '"weight_scales": 32'

fixture unknown_operators odd.onnx
run inspect odd.onnx --json
expect_exit 4
json_has unsupported
expect_stdout "Frobnicate" "Defragment"
expect_stderr "error[unsupported]" "/odd_Frobnicate/Frobnicate" "/odd_Defragment/Defragment"

fixture open_size open.onnx
refuse 2 "--input-shape" -- inspect open.onnx
ok inspect open.onnx --input-shape 1,3,8,8
