#!/usr/bin/env bash
# The same input gives the same bytes for any number of threads.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

if [[ -f $NQ_SOURCE/models/demo_vit.onnx ]]; then
  model=$NQ_SOURCE/models/demo_vit.onnx
  common=(--images "$NQ_SOURCE/models/images/calib" --num-images 8 --wbits 6 --abits 6 -q)
else
  fixture tiny_vit vit.onnx
  image_folder images 9
  model=vit.onnx
  common=(--images images --preprocess inception --wbits 6 --abits 6 -q)
fi

for threads in 1 2; do
  ok calibrate "$model" "${common[@]}" --threads "$threads" -o "q$threads.onnx"
done
cmp q1.onnx q2.onnx || fail "the model depends on the number of threads"
cmp q1.recipe.json q2.recipe.json || fail "the recipe depends on the number of threads"
ok quantize "$model" --recipe q1.recipe.json -o again.onnx -q
cmp q1.onnx again.onnx || fail "quantize gave other bytes than calibrate"
ok calibrate "$model" "${common[@]}" --seed 1 -o seed1.onnx
cmp -s q1.onnx seed1.onnx && fail "the seed has no effect"
exit 0
