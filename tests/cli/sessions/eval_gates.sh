#!/usr/bin/env bash
# Gates: verdicts, exit code 5, reports for CI systems, sequential decisions.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx
image_folder images 24
common=(vit.onnx --images images --preprocess inception)
ok eval "${common[@]}" --json -q
top1=$(json_value top1)
above=$(awk -v t="$top1" 'BEGIN { print t + 0.01 }')

ok eval "${common[@]}" --min-top1 "$top1" -q
expect_stdout "gate       --min-top1: passed" "95 % interval"
# A failed gate prints its report and then the error.
run eval "${common[@]}" --min-top1 "$above" --junit junit.xml --annotate github --json -q
expect_exit 5
json_has top1 gates passed statement
expect_stderr "error[gate]: --min-top1: top-1 over 24 images" "is below" "::error title=min-top1 of vit.onnx::"
grep -q '<testsuites tests="1" failures="1">' junit.xml || fail "JUnit counts"
grep -q '<failure message="top-1 over 24 images' junit.xml || fail "JUnit failure"
ok eval "${common[@]}" --reference vit.onnx --max-drop 0 --min-agreement 100% --max-logit-mse 0 --min-top1 0 \
  --junit junit.xml --annotate github --json -q
[[ $(grep -c '"passed": true' ../.log/stdout) == 4 ]] || fail "a model passes every gate against itself"
[[ $(json_value mcnemar_p) == null ]] || fail "only the drop has a p-value"
grep -q '"mcnemar_p": 1.0' ../.log/stdout || fail "McNemar of no difference"
expect_stderr "::notice title=max-drop of vit.onnx::"
grep -q '<testsuites tests="4" failures="0">' junit.xml || fail "JUnit counts"
# With 24 images the interval is wide: a proof fails where the value alone passes.
run eval "${common[@]}" --min-top1 "$top1" --proven -q
if [[ $top1 == 0.0 ]]; then expect_exit 0; else expect_exit 5; fi

# A gate far away is decided early.
ok eval "${common[@]}" --min-top1 0 --sequential --json -q
[[ $(json_value images) -le 1 && $(json_value complete) == false ]] || fail "a gate that cannot fail needs no images"
run eval "${common[@]}" --min-top1 99% --sequential --json -q
expect_exit 5
[[ $(json_value images) -lt 24 ]] || fail "a gate that fails for sure is decided early"
expect_stderr "decided after" "of 24 images"
# The decision does not depend on how the images are batched.
grep -E '"(images|value|statement)"' ../.log/stdout >../.log/one
run eval "${common[@]}" --min-top1 99% --sequential --json -q --batch 3 --threads 1
grep -E '"(images|value|statement)"' ../.log/stdout | diff ../.log/one - || fail "batch changed an early decision"

refuse 2 "needs --reference" -- eval "${common[@]}" --max-drop 0.5% -q
refuse 2 "no gate" -- eval "${common[@]}" --sequential -q
refuse 2 "no gate" -- eval "${common[@]}" --junit x.xml -q
refuse 2 "is no fraction" -- eval "${common[@]}" --min-top1 75 -q
refuse 2 "not a shard" -- eval "${common[@]}" --min-top1 0.5 --shard 1/2 -q
mkdir flat
cp images/a/*.bmp flat
refuse 2 "needs labels" -- eval vit.onnx --images flat --preprocess inception --min-top1 0.5 -q
