#!/usr/bin/env bash
# A signal ends a run with exit code 130 and leaves nothing behind.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx
model=$NQ_SOURCE/models/demo_vit.onnx

# stop SIGNAL TEXT COMMAND...: starts nqcli, sends the signal once stderr holds TEXT, expects 130 soon after.
stop() {
  local signal=$1 text=$2 code=0 pid sent
  shift 2
  echo "nqcli $* (then $signal)" >../.log/command
  # What the run before wrote must not pass for this one's progress: the signal would come before nqcli runs.
  : >../.log/stderr
  "$NQCLI" "$@" >../.log/stdout 2>../.log/stderr &
  pid=$!
  for ((tries = 0; tries < 600; ++tries)); do
    grep -q "$text" ../.log/stderr && break
    sleep 0.05
  done
  sleep 0.1
  sent=$(date +%s%N)
  kill -s "$signal" "$pid" || fail "it ended before the signal"
  wait "$pid" || code=$?
  echo "$code" >../.log/code
  # A second, and what a busy machine adds to it.
  (($(date +%s%N) - sent < 1500000000)) || fail "it took $((($(date +%s%N) - sent) / 1000000)) ms to stop"
  expect_exit 130
  expect_no_stdout
  expect_stderr "error[interrupted]"
}

# Long enough that only the signal ends them; the first line of progress comes at a tenth.
before=$(state)
stop TERM runs bench vit.onnx --repeat 1000000 --batch 1
[[ $(state) == "$before" ]] || fail "files were written"
stop INT runs bench vit.onnx --repeat 1000000 --batch 1

# The searches of layers, whose steps are long: half a minute with so many candidates.
pre=(--images "$NQ_SOURCE/models/images/calib" --num-images 4 --no-preprocess-check)
ok calibrate "$model" "${pre[@]}" --method minmax --save-stats all.stats -o q.onnx
before=$(state)
long=(--method noisyquant --noise-candidates 100000 --candidates 100000)
stop INT calibrating: calibrate "$model" "${pre[@]}" "${long[@]}" -o none.onnx
stop TERM calibrating: calibrate "$model" "${pre[@]}" "${long[@]}" -o none.onnx
stop INT "" quantize "$model" --stats all.stats "${long[@]}" -o none.onnx
[[ $(state) == "$before" ]] || fail "files were written"

# Passes over many images: the bundled model's, over and over.
ok calibrate "$model" --images "$NQ_SOURCE/models/images/calib" --method minmax --no-preprocess-check -o demo.onnx -q
mkdir many
for ((index = 0; index < 4; ++index)); do ln -s "$NQ_SOURCE/models/images/test" "many/$index"; done
before=$(find . | sort)
for signal in INT TERM; do
  stop "$signal" evaluating eval demo.onnx --reference "$model" --images many
  stop "$signal" comparing compare "$model" demo.onnx --images many
  stop "$signal" calibrating calibrate "$model" --images many --no-preprocess-check -o none.onnx
done
[[ $(find . | sort) == "$before" ]] || fail "files were written"
stop TERM calibrating calibrate "$model" --images many --no-preprocess-check --state kept --save-every 0 -o none.onnx
expect_stderr "images are kept in 'kept'; the same command goes on"
