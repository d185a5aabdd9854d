#!/usr/bin/env bash
# Folders without images and images that cannot be decoded.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx
pre=(--preprocess inception)
mkdir empty text
echo "no image" >text/readme.txt
echo "no image" >text/notes.md

for command in "calibrate vit.onnx -o q.onnx" "eval vit.onnx"; do
  read -ra words <<<"$command"
  refuse 3 "empty" -- "${words[@]}" --images empty "${pre[@]}"
  refuse 3 "text" "2 " -- "${words[@]}" --images text "${pre[@]}"
  refuse 3 "missing" -- "${words[@]}" --images missing "${pre[@]}"
  refuse 3 "vit.onnx" -- "${words[@]}" --images vit.onnx "${pre[@]}"
done

image_folder images 6
head -c 40 images/a/image_0.bmp >images/a/broken.bmp
: >images/b/zero.png
echo hidden >images/a/.hidden.jpg

refuse 3 "a/broken.bmp" -- calibrate vit.onnx --images images "${pre[@]}" -o q.onnx -q
refuse 3 "a/broken.bmp" -- eval vit.onnx --images images "${pre[@]}" -q

ok eval vit.onnx --images images "${pre[@]}" --bad-images skip --json
[[ $(json_value images) == 6 ]] || fail "six images are good"
expect_stdout '"name": "a/broken.bmp"' '"name": "b/zero.png"'
expect_stderr "skipped 'a/broken.bmp'"

ok calibrate vit.onnx --images images "${pre[@]}" --bad-images skip -o q.onnx --json
[[ $(json_value images) == 6 ]] || fail "six images are good"
ok calibrate vit.onnx --images images "${pre[@]}" --bad-images skip -o q2.onnx
expect_stdout "images     6 (2 skipped)"

mkdir broken
cp images/a/broken.bmp broken
refuse 3 -- eval vit.onnx --images broken "${pre[@]}" --bad-images skip -q
refuse 3 "nowhere.txt" -- eval vit.onnx --images images "${pre[@]}" --labels nowhere.txt
