#!/usr/bin/env bash
# Statistics: the same bytes as calibrate, any other method or bits, merged shards, refusals.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx
fixture tiny_vit_other other.onnx
image_folder images 9
mkdir first second
cp -r images/a first
cp -r images/b second
pre=(--preprocess inception -q)

# same_but_evaluation A B [MODEL]: two files are the same, but that calibrate evaluated the first on its images.
same_but_evaluation() {
  sed '/^  "evaluation": {/,/^  }/d' "$1.recipe.json" >fitted.recipe.json
  cmp fitted.recipe.json "$2.recipe.json" || fail "quantize --stats gave another recipe than calibrate"
  ok quantize "${3:-vit.onnx}" --recipe fitted.recipe.json -o fitted.onnx -q
  cmp fitted.onnx "$2.onnx" || fail "quantize --stats gave other bytes than calibrate"
}

ok calibrate vit.onnx --images images "${pre[@]}" --save-stats all.stats -o a.onnx
ok quantize vit.onnx --stats all.stats -o b.onnx -q
same_but_evaluation a b

for options in "--method noisyquant --wbits 4 --abits 6 --seed 3" "--wbits 5 --abits 5 --no-fold --bits fc1=a8"; do
  read -ra words <<<"$options"
  ok calibrate vit.onnx --images images "${pre[@]}" "${words[@]}" -o c.onnx
  ok quantize vit.onnx --stats all.stats "${words[@]}" -o d.onnx -q --json
  json_has statistics recipe quantization
  same_but_evaluation c d
done

# Shards in any order are one run.
ok calibrate vit.onnx --images first "${pre[@]}" --save-stats first.stats -o x.onnx
ok calibrate vit.onnx --images second "${pre[@]}" --save-stats second.stats -o x.onnx
ok stats merge second.stats first.stats -o merged.stats --json
json_has images image_list_sha256 layers readout_rows
[[ $(json_value images) == 9 ]] || fail "merged images"
cmp merged.stats all.stats || fail "merged statistics differ from one run over all images"
ok stats show all.stats
expect_stdout "fc1_product" "images     9"

refuse 3 "both hold" -- stats merge first.stats all.stats -o none.stats
refuse 3 "another model" -- quantize other.onnx --stats all.stats -o none.onnx
refuse 3 "not a statistics file" -- quantize vit.onnx --stats vit.onnx -o none.onnx
head -c 3000 all.stats >cut.stats
refuse 3 "ends early" -- stats show cut.stats
head -c 40 all.stats >short.stats
refuse 3 "short.stats" -- stats show short.stats
{ cat all.stats; echo; } >long.stats
refuse 3 "goes on" -- stats show long.stats
sed 's/"schema":2/"schema":7/' all.stats >future.stats
refuse 3 "schema 7" -- stats show future.stats
refuse 2 "either --recipe or --stats" -- quantize vit.onnx -o none.onnx
refuse 2 "--save-stats" -- calibrate vit.onnx --images images "${pre[@]}" --propagate quantized --save-stats none.stats -o none.onnx
[[ ! -e none.stats && ! -e none.onnx ]] || fail "a refused command wrote a file"

# The products of attention travel with the layers; the selection is part of the statistics.
demo=$NQ_SOURCE/models/demo_vit.onnx
mkdir both left right
for index in 00 01 02 03 04 05; do
  cp "$NQ_SOURCE/models/images/calib/0$index.png" both
done
cp both/*0[0-2].png left
cp both/*0[3-5].png right
all=(--preprocess "$NQ_SOURCE/models/demo_vit.preprocess.json" --quantize all -q)
fast=(--candidates 8 --noise-candidates 4)
ok calibrate "$demo" --images both "${all[@]}" "${fast[@]}" --wbits 4 --abits 6 --save-stats both.stats -o p.onnx
ok quantize "$demo" --stats both.stats "${fast[@]}" --wbits 4 --abits 6 -o r.onnx -q
same_but_evaluation p r "$demo"
ok calibrate "$demo" --images both "${all[@]}" "${fast[@]}" --method noisyquant --no-fold --seed 5 -o p.onnx
ok quantize "$demo" --stats both.stats --quantize all "${fast[@]}" --method noisyquant --no-fold --seed 5 -o r.onnx -q
same_but_evaluation p r "$demo"
for side in left right; do
  ok calibrate "$demo" --images "$side" "${all[@]}" --method minmax --save-stats "$side.stats" -o x.onnx
done
ok stats merge right.stats left.stats -o merged.stats --json
json_has products instances queries selection
cmp merged.stats both.stats || fail "merged statistics with products differ from one run over all images"
ok stats show both.stats
expect_stdout "attention" "instances" "--quantize all"
refuse 3 "taken with --quantize all" "not with --quantize linear --head" -- quantize "$demo" --stats both.stats --head -o none.onnx
ok calibrate "$demo" --images left "${all[@]:0:2}" --method minmax --save-stats linear.stats -o x.onnx -q
refuse 3 "one was taken with --quantize linear, the other with --quantize all" -- stats merge linear.stats right.stats -o none.stats
refuse 3 "taken with --quantize linear, not with --quantize all" -- quantize "$demo" --stats linear.stats --quantize all -o none.onnx
head -c -100 both.stats >cut.stats
refuse 3 "ends early" -- stats show cut.stats
sed 's/"queries":65/"queries":64/' both.stats >other.stats
refuse 3 "another attention product" -- quantize "$demo" --stats other.stats -o none.onnx
[[ ! -e none.stats && ! -e none.onnx ]] || fail "a refused command wrote a file"
