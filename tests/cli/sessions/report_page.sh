#!/usr/bin/env bash
# A report in a browser: charts, clicks, keys, colours, scripts off, names that would be markup.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

if ! command -v "${NQ_CHROMIUM:-chromium}" >/dev/null; then
  [[ ${NQ_REQUIRE_BROWSER:-0} == 1 ]] && fail "Chromium is not installed (scripts/install_deps.sh --browser)"
  skip "Chromium is not installed (scripts/install_deps.sh --browser)"
fi

demo=$NQ_SOURCE/models/demo_vit.onnx
pre=(--preprocess "$NQ_SOURCE/models/demo_vit.preprocess.json")
# The same number of bytes under another name: a layer called like an element, wherever the file names it.
layer='/blocks/blocks.0/mlp/fc2/MatMul'
hostile_layer='<img src=x onerror=hostile=1>AB'
[[ ${#layer} == "${#hostile_layer}" ]] || fail "the names differ in length"
sed "s#$layer#$hostile_layer#g" "$demo" >vit.onnx
cmp -s vit.onnx "$demo" && fail "the layer is not in the model"

cp -r "$NQ_SOURCE/models/images/test" images
hostile_class='<script>hostile=2<!--'
mv images/00_disc "images/$hostile_class"
hostile_image="\"'><b>&amp;"$'\u2028'".png"
cp "images/01_square/0001.png" "images/$hostile_class/$hostile_image"
hostile_label='</script><svg onload=hostile=3>'

calibrate=(calibrate vit.onnx --images "$NQ_SOURCE/models/images/calib" "${pre[@]}" --num-images 8 --wbits 4 --abits 4 -q)
ok "${calibrate[@]}" --method easyquant -o easyquant.onnx
ok "${calibrate[@]}" --method noisyquant --quantize all --exclude patch_embed -o noisyquant.onnx
ok report --reference vit.onnx --model easyquant.onnx --model noisyquant.onnx --images images "${pre[@]}" --layer-images 4 --pictures 4 \
  --show "$hostile_class/$hostile_image" --label vit --label "$hostile_label" --label noisy -o report.html -q

PYTHONDONTWRITEBYTECODE=1 python3 "$NQ_SOURCE/tests/browser/check_page.py" report.html "$hostile_layer" "$hostile_class" "$hostile_image" \
  "$hostile_label" >../.log/browser 2>&1 || {
  cat ../.log/browser
  fail "the page in the browser"
}
grep -c '^ok' ../.log/browser
