#!/usr/bin/env bash
# What disks and other people do: a limit on file sizes, read-only folders, images that vanish or change, a model that is
# replaced or cut while it is used.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx
image_folder images 6
pre=(--images images --preprocess inception -q)
ok calibrate vit.onnx "${pre[@]}" -o q.onnx
ok calibrate vit.onnx "${pre[@]}" --save-stats q.stats -o q.onnx

# A disk that is full after two kilobytes.
full() {
  local before
  before=$(state)
  (ulimit -f 2 && run "$@")
  expect_exit 3
  [[ $(grep -c '^error\[' ../.log/stderr) == 1 ]] || fail "expected exactly one error line"
  expect_stderr "writing '" "File too large"
  [[ $(state) == "$before" ]] || fail "files were written or changed"
}
full calibrate vit.onnx "${pre[@]}" -o none.onnx
full calibrate vit.onnx "${pre[@]}" --save-stats none.stats -o none.onnx
full quantize vit.onnx --recipe q.recipe.json -o none.onnx
full quantize vit.onnx --stats q.stats -o none.onnx -q

# A real full disk, where the machine lets us make one.
mkdir disk
if mount -t tmpfs -o size=16k tmpfs disk 2>/dev/null; then
  trap 'umount disk; chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
  head -c 8192 /dev/zero >disk/other
  refuse 3 "No space left on device" -- quantize vit.onnx --recipe q.recipe.json -o disk/none.onnx
  refuse 3 "No space left on device" -- calibrate vit.onnx "${pre[@]}" -o disk/none.onnx
  run calibrate vit.onnx "${pre[@]}" --state disk/state -o none.onnx
  expect_exit 3
  expect_stderr "No space left on device"
  [[ -z $(find . -name '*.nqcli-*') && ! -e none.onnx ]] || fail "a full disk left something"
else
  echo "no tmpfs can be mounted here: the limit on file sizes stands for a full disk"
fi

# paused TEXT COMMAND...: starts nqcli and stops it once stderr holds TEXT; `go_on` lets it run to its end.
paused() {
  local text=$1
  shift
  echo "nqcli $* (paused)" >../.log/command
  : >../.log/stderr
  "$NQCLI" "$@" >../.log/stdout 2>../.log/stderr &
  pid=$!
  for ((tries = 0; tries < 600; ++tries)); do
    grep -q "$text" ../.log/stderr && break
    sleep 0.02
  done
  kill -STOP "$pid" || fail "it ended too early"
}
go_on() {
  local code=0
  kill -CONT "$pid"
  wait "$pid" || code=$?
  echo "$code" >../.log/code
}

# Images that vanish, are cut or come while a folder is read. The last class is far from the first tenth.
fresh_images() {
  rm -rf many
  mkdir many
  for name in a b c; do cp -r "$NQ_SOURCE/models/images/test" "many/$name"; done
}
model=$NQ_SOURCE/models/demo_vit.onnx
fresh_images
last=$(cd many && find c -type f | sort | tail -n 1)
paused evaluating eval "$model" --images many
rm "many/$last"
go_on
expect_exit 3
expect_stderr "error[input]" "$last" "--bad-images skip"
expect_no_stdout

fresh_images
paused evaluating eval "$model" --images many --bad-images skip
rm -r many/c
mkdir many/d
cp -r many/a many/d/more
go_on
expect_exit 0
expect_stderr "$last"
expect_stdout "images     1200 "

fresh_images
paused calibrating calibrate "$model" --images many --no-preprocess-check --method minmax -o none.onnx
: >"many/$last"
go_on
expect_exit 3
expect_stderr "error[input]" "$last"
[[ ! -e none.onnx ]] || fail "an output was written"

# A model that another file takes the place of: the run goes on with what it read.
cp "$model" here.onnx
ok calibrate "$model" --images "$NQ_SOURCE/models/images/calib" --method minmax -o want.onnx -q
paused calibrating calibrate here.onnx --images "$NQ_SOURCE/models/images/calib" --method minmax --preprocess "${model%.onnx}.preprocess.json" \
  --no-preprocess-check -o got.onnx
mv vit.onnx here.onnx
go_on
expect_exit 0
cmp want.onnx got.onnx || fail "another file was written"

# Weights beside the model that are cut while they are used: bytes that are gone cannot be worked with.
fixture external_missing external.onnx
run eval external.onnx --images many --preprocess inception
bytes=$(sed -n -E 's/.*needs ([0-9]+) .*/\1/p' ../.log/stderr)
head -c 1048576 /dev/zero >weights.bin
run eval external.onnx --images many --preprocess inception
paused evaluating eval external.onnx --images many --preprocess inception
: >weights.bin
go_on
case $(cat ../.log/code) in
  0) ;;  # the weights were all in memory
  3) expect_stderr "error[input]" ;;
  *) fail "exit code" ;;
esac
