#!/usr/bin/env bash
# Memory: the estimate is near the peak, too little is refused with what would fit, and what would fit does.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"
not_sanitized "its own memory is many times the program's, and it needs an address space without limit"

model=$NQ_SOURCE/models/demo_vit.onnx
common=(calibrate "$model" --images "$NQ_SOURCE/models/images/calib" --no-preprocess-check --threads 2)

# Within 15 % of the peak, also layer by layer on quantized inputs, where all images stay in memory.
near_peak() {
  ok "${common[@]}" "$@" -o q.onnx --json
  estimate=$(sed -n 's/.*takes about \([0-9]*\) MiB of memory.*/\1/p' ../.log/stderr)
  awk -v peak="$(json_value peak_rss_bytes)" -v mib="$estimate" 'BEGIN {
    ratio = mib * 1048576 / peak
    printf "%s MiB estimated, %.0f MiB at the peak, ratio %.3f\n", mib, peak / 1048576, ratio
    exit !(ratio > 0.85 && ratio < 1.15) }' || fail "the estimate with $* is more than 15 % off"
}
for method in minmax noisyquant best; do near_peak --method "$method" --max-memory 64M; done
near_peak --method minmax --propagate quantized --num-images 24

# Too little address space: refused before the work, then done with what was said to fit.
limited() {
  (ulimit -v "$1" && shift && run "$@")
}
# How much the program itself takes depends on its libraries, so the limit is found from above.
for ((space = 300000; space > 60000; space -= 10000)); do
  rm -f none.onnx
  limited "$space" "${common[@]}" --method minmax -o none.onnx
  ! grep -q "would fit" ../.log/stderr || break
done
expect_exit 6
expect_stderr "error[resource]" "MiB are left" "would fit"
[[ ! -e none.onnx ]] || fail "a file was written"
fits=$(sed -n 's/.*--max-memory \([0-9]*M\) would fit.*/\1/p' ../.log/stderr)
[[ -n $fits ]] || fail "nothing that would fit is said"
limited "$space" "${common[@]}" --method minmax -o fits.onnx --max-memory "$fits"
expect_exit 0

# Images that do not fit are refused before they are read.
for ((images = 0; images < 60; ++images)); do cp "$NQ_SOURCE/models/images/calib/000.png" "../$images.png"; done
mkdir many
for ((copy = 0; copy < 100; ++copy)); do for ((image = 0; image < 60; ++image)); do ln "../$image.png" "many/$copy.$image.png"; done; done
limited 150000 calibrate "$model" --images many --no-preprocess-check --method minmax --propagate quantized -o none.onnx
expect_exit 6
expect_stderr "error[resource]" "MiB are left" "--num-images"
[[ ! -e none.onnx ]] || fail "a file was written"

# Whatever the limit, every command ends with an answer and never by a signal: also where there is too little memory to start
# threads. Below the smallest of these limits the system cannot even load the program's libraries.
ok "${common[@]}" --method minmax -q -o q.onnx
answers() {
  local threads=$1
  shift
  for ((space = 32000; space < 140000; space += space < 50000 ? 5000 : 30000)); do
    rm -f none.onnx
    limited "$space" "$@" --threads "$threads"
    case $(cat ../.log/code) in
      0) [[ $* != *none.onnx* || -e none.onnx ]] || fail "no file" ;;
      6)
        # Only what comes after the writing may have failed.
        [[ ! -e none.onnx ]] || cmp q.onnx none.onnx || fail "half a file was written"
        [[ $(grep -c '^error\[resource\]: ' ../.log/stderr) == 1 ]] || fail "expected exactly one error line"
        ;;
      127) grep -q "error while loading shared libraries" ../.log/stderr || fail "with $space kB" ;;  # not even started
      *) fail "with $space kB of address space" ;;
    esac
  done
}
for threads in 1 4; do
  answers "$threads" calibrate "$model" --images "$NQ_SOURCE/models/images/calib" --no-preprocess-check --method minmax -o none.onnx
  answers "$threads" quantize "$model" --recipe q.recipe.json -o none.onnx
done
answers 4 eval "$model" --images "$NQ_SOURCE/models/images/test" --limit 20
answers 4 compare "$model" q.onnx --images "$NQ_SOURCE/models/images/calib" --limit 20
