#!/usr/bin/env bash
# run: tensors in and out, named and in order.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture two_inputs two.onnx
fixture tensor x.pb
fixture shape_tensor shape.pb

ok run two.onnx --input x.pb shape.pb --output-dir out
expect_stdout "out/y:0" "float32[3,2]" "out/out_y_0.pb"
[[ -s out/out_y_0.pb && $(find out -type f | wc -l) == 1 ]] || fail "one output file with a safe name"

ok run two.onnx --input shape=shape.pb --input x=x.pb --output-dir out2 --json
json_has outputs name dtype shape file
cmp out/out_y_0.pb out2/out_y_0.pb || fail "order of the inputs changed the result"

refuse 2 "model input 'shape' is not given" -- run two.onnx --input x.pb --output-dir o
refuse 2 "one input too many" -- run two.onnx --input x.pb shape.pb x.pb --output-dir o
refuse 2 "given twice" -- run two.onnx --input x=x.pb x=x.pb --output-dir o
refuse 2 "is float32" -- run two.onnx --input shape.pb x.pb --output-dir o
refuse 3 "missing.pb" -- run two.onnx --input missing.pb shape.pb --output-dir o
refuse 2 "x.txt" -- run two.onnx --input x.txt shape.pb --output-dir o
refuse 3 "two.onnx" -- run two.onnx --input x.pb shape.pb --output-dir two.onnx
head -c 20 x.pb >cut.pb
refuse 3 "cut.pb" -- run two.onnx --input cut.pb shape.pb --output-dir o

# An output never replaces an input.
cp x.pb out/out_y_0.pb
refuse 2 "would replace the input" -- run two.onnx --input out/out_y_0.pb shape.pb --output-dir out

# A batch of images through the model.
fixture tiny_vit vit.onnx
fixture input_tensor images.pb
ok run vit.onnx --input images.pb --output-dir out
expect_stdout "float32[8,6]"
