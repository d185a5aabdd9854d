#!/usr/bin/env bash
# Shards add up to the whole; a killed or interrupted evaluation goes on where it was saved.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx
image_folder images 23
common=(--images images --preprocess inception)
ok calibrate vit.onnx "${common[@]}" --wbits 4 --abits 4 -o q.onnx -q
common=(q.onnx --images images --reference vit.onnx)

# figures: the figures of the last document, without times.
figures() {
  grep -E '"(images|labelled|top1|top5|top1_correct|logit_mse|agreement|sqnr_db|complete)":' ../.log/stdout | sed 's/,$//'
}

ok eval "${common[@]}" --json -q
figures >../.log/whole

for shard in 1 2 3; do ok eval "${common[@]}" --shard "$shard/3" --state "part$shard.json" --json -q; done
[[ $(json_value images) == 7 && $(json_value complete) == false ]] || fail "the third shard has 7 of 23 images"
ok merge part3.json part1.json --json -q -o two.json
[[ $(json_value complete) == false && $(json_value images) == 15 ]] || fail "two of three shards"
refuse 2 "gates judge all images" "2 of 3 shards" -- merge two.json --min-top1 0.1 -q
ok merge two.json part2.json --json
figures | diff ../.log/whole - || fail "merged shards differ from the whole"
ok merge part1.json part2.json part3.json
expect_stdout "parts      3 of 3 shards, 23 of 23 images" "logit MSE"
refuse 2 "shard 1 of 3 is there twice" -- merge two.json part1.json -q
ok eval vit.onnx --images images --preprocess inception --shard 1/3 --state other.json -q
refuse 2 "differ in the model" -- merge other.json part2.json -q
refuse 3 "not valid JSON" "vit.onnx" -- merge vit.onnx -q
refuse 2 "no shard" -- eval "${common[@]}" --shard 4/3 -q
refuse 2 "--state" -- eval "${common[@]}" --resume -q

# A finished evaluation is not run again, nor replaced by accident.
ok eval "${common[@]}" --state all.json --json -q
figures | diff ../.log/whole - || fail "--state changed a figure"
ok eval "${common[@]}" --state all.json --resume --json
figures | diff ../.log/whole - || fail "resuming a finished evaluation"
expect_stderr "23 of 23 images are done"
refuse 2 "is there already" "--resume" -- eval "${common[@]}" --state all.json -q
refuse 2 "another evaluation" -- eval "${common[@]}" --state all.json --resume --limit 5 -q
refuse 2 "another evaluation" -- eval vit.onnx --images images --preprocess imagenet --state all.json --resume -q

# stop SIGNAL: starts a slow evaluation of many images, sends the signal once something is saved.
mkdir many
for ((copy = 0; copy < 20; ++copy)); do
  for image in images/*/*.bmp; do ln -s "../$image" "many/${copy}_$(basename "$(dirname "$image")")_$(basename "$image")"; done
done
many=(q.onnx --images many --reference vit.onnx --batch 2 --threads 1)
ok eval "${many[@]}" --json -q
figures >../.log/whole
stop() {
  local signal=$1 expected=$2 code=0 pid
  echo "nqcli eval ${many[*]} (then $signal)" >../.log/command
  "$NQCLI" eval "${many[@]}" --state "$signal.json" --save-every 0 >../.log/stdout 2>../.log/stderr &
  pid=$!
  for ((tries = 0; tries < 2000; ++tries)); do
    [[ -e $signal.json ]] && break
    sleep 0.005
  done
  kill -s "$signal" "$pid"
  wait "$pid" || code=$?
  [[ $code == "$expected" ]] || fail "exit code $code after $signal"
  done=$(sed -n -E 's/.*"done": ([0-9]+).*/\1/p' "$signal.json")
  [[ $done -gt 0 && $done -lt 460 ]] || fail "$done images were saved: the signal came too early or too late"
  ok eval "${many[@]}" --state "$signal.json" --resume --json
  expect_stderr "$done of 460 images are done"
  figures | diff ../.log/whole - || fail "resumed after $signal differs from the whole"
}
stop KILL 137
stop INT 130
