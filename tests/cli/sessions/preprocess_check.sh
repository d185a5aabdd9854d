#!/usr/bin/env bash
# calibrate notices a wrong mean/std or channel order on 200 labelled images, and never blames the right one.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

# Few labels, or none: nothing to check with.
fixture tiny_vit vit.onnx
image_folder images 6
ok calibrate vit.onnx --images images --preprocess inception -o q.onnx
expect_stderr "preprocessing is not checked: 6 images have labels, 50 are needed"

refuse 2 "--expected-top1 cannot be checked: 6 images have labels" -- \
  calibrate vit.onnx --images images --preprocess inception --expected-top1 75% -o q.onnx

# The model card's accuracy: within reach, or not.
demo=$NQ_SOURCE/models/demo_vit.onnx
demo_run=(calibrate "$demo" --images "$NQ_SOURCE/models/images/test" --num-images 1 --method minmax -o demo.onnx)
ok "${demo_run[@]}" --expected-top1 97%
ok "${demo_run[@]}" --expected-top1 0.9
mkdir turned
for class in "$NQ_SOURCE"/models/images/test/*/; do cp -r "$class" turned/"$(basename "$class" | tr 0-9 9876543210)"; done
demo_run[3]=turned
refuse 3 "far below the 97.0 % expected" "class order" -- "${demo_run[@]}" --expected-top1 0.97
ok "${demo_run[@]}" --expected-top1 0.97 --no-preprocess-check

if [[ -z ${NQ_SHARED:-} || ! -d $NQ_SHARED/data ]]; then
  [[ ${NQ_REQUIRE_SHARED:-0} != 1 ]] || fail "shared test data absent (set NQ_SHARED)"
  skip "shared test data absent (set NQ_SHARED)"
fi
data=$NQ_SHARED/data
# NQ_GUARD_SUBSETS: random subsets of 200 images on which the right description must pass.
subsets=${NQ_GUARD_SUBSETS:-0}
calibrate=(calibrate "$data/vit_tiny/model.onnx" --num-images 1 --method minmax -o big.onnx)

# make_subset NUMBER FOLDER: links 200 random images of val650, or of another folder.
make_subset() {
  local folder=${2:-val650}
  rm -rf subset && mkdir subset
  awk -v seed="$1" 'BEGIN { srand(seed + 1) } { printf "%.9f %s\n", rand(), $0 }' "$data/images/${folder}/labels.txt" | sort | sed -n "1,200s/^[^ ]* //p" >subset/labels.txt
  while read -r name _; do ln -s "$data/images/${folder}/$name" "subset/$name"; done <subset/labels.txt
}
json() {
  printf '{"schema": 1, "input_size": [224, 224], "resize": "short_edge", "crop_pct": 0.9, "interpolation": "bicubic",
    "mean": %s, "std": %s, "channels": "%s"}' "$2" "$3" "$4" >"$1"
}
make_subset 0
json bgr.json '[0.5, 0.5, 0.5]' '[0.5, 0.5, 0.5]' BGR
json mean.json '[0.485, 0.456, 0.406]' '[0.229, 0.224, 0.225]' RGB
refuse 3 "significantly better" "with channels RGB" "--no-preprocess-check" -- "${calibrate[@]}" --images subset --preprocess bgr.json
refuse 3 "significantly better" "with mean and std of 'inception'" -- "${calibrate[@]}" --images subset --preprocess mean.json
ok "${calibrate[@]}" --images subset --preprocess mean.json --no-preprocess-check
for ((number = 0; number <= subsets; ++number)); do
  make_subset "$number" "$( ((number > 10)) && echo eval || echo val650)"
  ok "${calibrate[@]}" --images subset --preprocess inception
  echo "subset $number: $(grep -o 'preprocessing as described.*' ../.log/stderr)"
done
