#!/usr/bin/env bash
# Outputs that cannot be written are found before the work, and failed writes leave nothing.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx
image_folder images 4
common=(calibrate vit.onnx --images images --preprocess inception)

refuse 3 "no/such/folder" -- "${common[@]}" -o no/such/folder/q.onnx
refuse 3 "images" -- "${common[@]}" -o images
mkdir readonly
chmod a-w readonly
refuse 3 "read-only" -- "${common[@]}" -o readonly/q.onnx
refuse 3 "read-only" -- "${common[@]}" -o q.onnx --recipe-out readonly/r.json
echo mine >kept.onnx
chmod a-w kept.onnx
refuse 3 "kept.onnx" "read-only" -- "${common[@]}" -o kept.onnx
[[ $(cat kept.onnx) == mine ]] || fail "a read-only file was replaced"

# The refusal comes before images are read: the broken one is not what is reported.
echo broken >images/a/broken.bmp
refuse 3 "read-only" -- "${common[@]}" -o readonly/q.onnx
rm images/a/broken.bmp

# An existing output is replaced as a whole.
echo old >q.onnx
ok "${common[@]}" -o q.onnx -q
ok inspect q.onnx -q
cp q.onnx first.onnx
ok "${common[@]}" -o q.onnx -q
cmp q.onnx first.onnx || fail "the same run gave other bytes"

refuse 2 "would replace the input" -- quantize vit.onnx --recipe q.recipe.json -o vit.onnx
refuse 2 "would replace the input" -- quantize vit.onnx --recipe q.recipe.json -o q.recipe.json
refuse 3 "read-only" -- quantize vit.onnx --recipe q.recipe.json -o readonly/q.onnx
ln vit.onnx hardlink.onnx
refuse 2 "would replace the input" -- "${common[@]}" -o hardlink.onnx

# A result that cannot be printed is an error.
"$NQCLI" inspect vit.onnx >/dev/full 2>../.log/stderr && fail "a full device was not noticed"
expect_stderr "cannot write to standard output"
