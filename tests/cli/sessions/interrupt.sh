#!/usr/bin/env bash
# A signal ends a run with exit code 130 and leaves nothing behind.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx
image_folder images 4

# stop SIGNAL COMMAND...: starts nqcli, sends the signal once it works, expects 130.
stop() {
  local signal=$1 code=0 pid
  shift
  echo "nqcli $* (then $signal)" >../.log/command
  # What the run before wrote must not pass for this one's progress: the signal would come before nqcli runs.
  : >../.log/stderr
  "$NQCLI" "$@" >../.log/stdout 2>../.log/stderr &
  pid=$!
  for ((tries = 0; tries < 600; ++tries)); do
    grep -q "runs" ../.log/stderr && break
    sleep 0.05
  done
  kill -s "$signal" "$pid"
  wait "$pid" || code=$?
  echo "$code" >../.log/code
  expect_exit 130
  expect_no_stdout
  expect_stderr "error[interrupted]"
}

# Long enough that only the signal ends them; the first line of progress comes at a tenth.
before=$(state)
stop TERM bench vit.onnx --repeat 1000000 --batch 1
[[ $(state) == "$before" ]] || fail "files were written"
stop INT bench vit.onnx --repeat 1000000 --batch 1
