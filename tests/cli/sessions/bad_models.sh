#!/usr/bin/env bash
# Hostile and broken models: documented exit code, the file or node is named, nothing is written.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

image_folder images 4
pre=(--images images --preprocess inception)
mkdir models
echo secret >outside.bin

# check CODE FIXTURE TEXT...: every command that reads a model refuses it in the same way.
check() {
  local code=$1 name=$2
  shift 2
  fixture "$name" "models/$name.onnx"
  refuse "$code" "$@" -- calibrate "models/$name.onnx" "${pre[@]}" -o q.onnx -q
  refuse "$code" "$@" -- eval "models/$name.onnx" "${pre[@]}" -q
  refuse "$code" "$@" -- bench "models/$name.onnx" -q
}

check 3 truncated truncated.onnx
check 3 wrong_magic wrong_magic.onnx
check 3 empty empty.onnx
check 3 external_missing weights.bin
check 3 external_escaping outside.bin
check 3 external_absolute hostname
check 3 negative_dim patch.weight
check 6 huge_dim patch.weight
check 3 cycle cycle.onnx
check 4 unknown_operators /odd_Frobnicate/Frobnicate /odd_Defragment/Defragment
check 4 runtime_attention com.microsoft.Attention "before ONNX Runtime's optimizer"
check 6 huge_input 1099511627776
check 6 huge_constant

refuse 3 "missing.onnx" -- inspect missing.onnx
refuse 3 "models" -- inspect models
for name in truncated wrong_magic empty external_missing external_escaping negative_dim; do
  refuse 3 "$name.onnx" -- inspect "models/$name.onnx"
done

# A link that leaves the folder is outside too.
fixture external_missing models/link.onnx
ln -s ../outside.bin models/weights.bin
refuse 3 "weights.bin" -- inspect models/link.onnx

fixture without_sites models/without_sites.onnx
refuse 4 "no linear layer" -- calibrate models/without_sites.onnx "${pre[@]}" -o q.onnx -q
fixture two_inputs models/two_inputs.onnx
refuse 4 "2 inputs" -- calibrate models/two_inputs.onnx "${pre[@]}" -o q.onnx -q
fixture open_size models/open_size.onnx
refuse 2 "--input-shape" -- bench models/open_size.onnx -q
