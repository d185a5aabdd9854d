#!/usr/bin/env bash
# calibrate --state: goes on after any stop to the same bytes, belongs to one process and one calibration.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx
fixture tiny_vit_other other.onnx
image_folder images 40
pre=(--images images --preprocess inception -q)

ok calibrate vit.onnx "${pre[@]}" -o whole.onnx --save-stats whole.stats
ok calibrate vit.onnx "${pre[@]}" -o kept.onnx --save-stats kept.stats --state state --save-every 0
for kind in onnx recipe.json stats; do cmp "whole.$kind" "kept.$kind" || fail "$kind differs with --state"; done

# A state that is complete gives the same once more.
rm kept.*
ok calibrate vit.onnx "${pre[@]}" -o kept.onnx --save-stats kept.stats --state state
for kind in onnx recipe.json stats; do cmp "whole.$kind" "kept.$kind" || fail "$kind differs from a complete state"; done

# Killed at random moments.
kill_test() {
  bash "$NQ_SOURCE/scripts/kill_test.sh" "$NQCLI" "$@" >kills.txt 2>&1 || fail "$(cat kills.txt)"
}
kill_test 5 1 -- vit.onnx "${pre[@]}"

# Products keep their own samples, propagation keeps layers only; neither has statistics to save.
demo=(calibrate "$NQ_SOURCE/models/demo_vit.onnx" --images "$NQ_SOURCE/models/images/calib" --num-images 40 --method minmax
  --no-preprocess-check -q)
for options in "--quantize all" "--propagate quantized"; do
  read -ra words <<<"$options"
  ok "${demo[@]}" "${words[@]}" -o plain.onnx
  rm -rf other_state
  for limit in 0.05 0.1 0.2 0.4 0.8; do
    { timeout -s KILL "$limit" "$NQCLI" "${demo[@]}" "${words[@]}" --state other_state --save-every 0 -o killed.onnx || true; } \
      >/dev/null 2>&1
  done
  ok "${demo[@]}" "${words[@]}" --state other_state -o again.onnx
  cmp plain.onnx again.onnx || fail "other bytes with $options"
  cmp plain.recipe.json again.recipe.json || fail "another recipe with $options"
done

# What the state belongs to is named.
keep=(--state state -o none.onnx)
refuse 2 "keeps another calibration: wbits is" -- calibrate vit.onnx "${pre[@]}" "${keep[@]}" --wbits 4
refuse 2 "model is" -- calibrate other.onnx "${pre[@]}" "${keep[@]}"
refuse 2 "images is" -- calibrate vit.onnx "${pre[@]}" "${keep[@]}" --num-images 7
refuse 2 "preprocessing is" -- calibrate vit.onnx --images images --preprocess imagenet -q "${keep[@]}"
refuse 2 "capacity (max-memory) is" -- calibrate vit.onnx "${pre[@]}" "${keep[@]}" --max-memory 300K
cp images/a/image_0.bmp saved.bmp
cp images/a/image_2.bmp images/a/image_0.bmp
refuse 2 "images is" -- calibrate vit.onnx "${pre[@]}" "${keep[@]}"
mv saved.bmp images/a/image_0.bmp

# Folders that are no state, and damaged ones.
mkdir foreign
echo precious >foreign/notes.txt
refuse 3 "'foreign' is no calibration state: it holds 'notes.txt'" -- calibrate vit.onnx "${pre[@]}" --state foreign -o none.onnx
refuse 3 "cannot make the folder" -- calibrate vit.onnx "${pre[@]}" --state missing/state -o none.onnx
refuse 3 "whole.stats" -- calibrate vit.onnx "${pre[@]}" --state whole.stats -o none.onnx
cp -r state damaged
head -c 100 state/state.json >damaged/state.json
refuse 3 "not valid JSON" "remove the folder to start again" -- calibrate vit.onnx "${pre[@]}" --state damaged -o none.onnx
cp state/state.json damaged
for file in damaged/statistics.*; do head -c 3000 "$file" >cut && mv cut "$file"; done
refuse 3 "ends early" -- calibrate vit.onnx "${pre[@]}" --state damaged -o none.onnx
rm damaged/statistics.*
refuse 3 "damaged/statistics" -- calibrate vit.onnx "${pre[@]}" --state damaged -o none.onnx

# One process at a time.
flock state/lock sleep 20 &
holder=$!
for ((tries = 0; tries < 100; ++tries)); do
  flock -n state/lock true || break
  sleep 0.05
done
refuse 3 "'state' is in use by another process" -- calibrate vit.onnx "${pre[@]}" "${keep[@]}"
kill "$holder"
[[ ! -e missing ]] || fail "a refused command made a folder"
