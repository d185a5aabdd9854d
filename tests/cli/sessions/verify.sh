#!/usr/bin/env bash
# verify: verdicts per product, targets, saturation, ONNX Runtime's absence.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx
image_folder images 6
pre=(--images images --preprocess inception)
export NQ_PYTHON=/does/not/exist

ok verify vit.onnx
expect_stdout "0 of 0 quantized products" "float, because it is not quantized"
for target in portable ort-cpu tensorrt openvino; do
  ok calibrate vit.onnx "${pre[@]}" --wbits 6 --abits 6 --head --target "$target" -o "$target.onnx" -q
  ok verify "$target.onnx" --target "$target"
  expect_stdout "3 of 3 quantized products on int8 kernels" "impossible ("
done
ok verify ort-cpu.onnx --json
json_has target passed products findings onnxruntime opset ir_version quantized int8
[[ $(json_value passed) == true && $(json_value onnxruntime) == null ]] || fail "JSON verdict"

ok calibrate vit.onnx "${pre[@]}" --activation asymmetric --target ort-cpu -o u8.onnx -q
ok verify u8.onnx --target openvino
run verify u8.onnx --target tensorrt
expect_exit 5
expect_stderr "error[gate]: target tensorrt: 2 of 2 quantized products stay float"
expect_stdout "TensorRT takes no uint8"
refuse 2 "asymmetric" "tensorrt" -- calibrate vit.onnx "${pre[@]}" --activation asymmetric --target tensorrt -o no.onnx -q

# Without ONNX Runtime the reason is printed, and the static verdict stands.
ok verify ort-cpu.onnx --ort
expect_stdout "ONNX Runtime was not asked: '/does/not/exist'"
refuse 2 "--target" -- verify vit.onnx --target cuda
