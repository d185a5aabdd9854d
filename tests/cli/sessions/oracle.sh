#!/usr/bin/env bash
# ONNX Runtime computes what nqcli computes, on the files that nqcli writes.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

if [[ -z ${NQ_PYTHON:-} ]]; then
  [[ ${NQ_REQUIRE_ORACLE:-0} != 1 ]] || fail "NQ_PYTHON is not set, and NQ_REQUIRE_ORACLE asks for it"
  skip "NQ_PYTHON is not set (scripts/test.sh sets it)"
fi
fixture tiny_vit vit.onnx
fixture input_tensor images.pb
image_folder images 8

compare() { "$NQ_PYTHON" "$NQ_SOURCE/tests/cli/compare_with_onnxruntime.py" "$@" || fail "ONNX Runtime differs on $1"; }

ok run vit.onnx --input images.pb --output-dir float
compare vit.onnx images.pb float/logits.pb 100
for options in "--wbits 8 --abits 8" "--wbits 6 --abits 6" "--wbits 4 --abits 4 --activation asymmetric" \
  "--wbits 4 --abits 8 --weight-storage int4" "--head --patch-embed" "--no-fold --wbits 6 --abits 6"; do
  read -ra words <<<"$options"
  ok calibrate vit.onnx --images images --preprocess inception "${words[@]}" -o q.onnx -q
  ok run q.onnx --input images.pb --output-dir quantized
  compare q.onnx images.pb quantized/logits.pb 40
  ok run q.onnx --input images.pb --output-dir reference --kernels reference
  compare q.onnx images.pb reference/logits.pb 40
done
