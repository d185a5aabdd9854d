#!/usr/bin/env bash
# The report: figures of eval and compare to the digit, the same bytes again, refusals; figures drawn from it.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

demo=$NQ_SOURCE/models/demo_vit.onnx
calib=$NQ_SOURCE/models/images/calib
common=(--images "$NQ_SOURCE/models/images/test" --limit 60 --seed 3 -q)

for method in easyquant noisyquant; do
  ok calibrate "$demo" --images "$calib" --num-images 8 --method $method --wbits 4 --abits 4 -o $method.onnx -q
done
# Another tool's file: no recipe beside it.
cp noisyquant.onnx bare.onnx

report=(report --reference "$demo" --model easyquant.onnx --model noisyquant.onnx "${common[@]}" --layer-images 5 --pictures 3)
ok "${report[@]}" -o one.html --data one.json
expect_stdout "demo_vit" "easyquant" "noisyquant" "logit MSE" "reduction"
ok "${report[@]}" -o two.html --data two.json --threads 1
cmp one.json two.json || fail "the data depends on the threads"
cmp one.html two.html || fail "the page depends on the threads"
[[ $(stat -c %s one.html) -lt 3000000 ]] || fail "the page is larger than 3 MB"

# numbers KEY FILE: every number under the key, one a line.
numbers() { grep -oE "\"$1\": ?[^,}]*" "$2" | sed 's/.*: *//; s/[^-+.0-9a-z].*//'; }

ok report --reference "$demo" --model noisyquant.onnx "${common[@]}" --layer-images 5 -o single.html --data single.json
ok eval noisyquant.onnx --reference "$demo" "${common[@]}" --json
for key in logit_mse agreement; do
  [[ $(numbers $key single.json | sed -n 2p) == "$(json_value $key)" ]] || fail "$key is not eval's"
done
[[ $(numbers top1 single.json | sed -n 2p) == "$(json_value top1)" ]] || fail "top1 is not eval's"
ok compare "$demo" noisyquant.onnx --images "$NQ_SOURCE/models/images/test" --limit 5 --seed 3 -q --json
for key in local_sqnr_db local_mse accumulated_sqnr_db accumulated_mse; do
  diff <(numbers $key single.json) <(numbers $key ../.log/stdout) >/dev/null || fail "$key is not compare's"
done

# A noisy bias that no recipe tells is measured from the file.
ok report --reference "$demo" --model bare.onnx --model noisyquant.onnx "${common[@]}" --layer-images 5 -o bare.html --data bare.json
python3 - <<'EOF' || fail "the measured noisy bias is not the recipe's"
import json
sites = json.load(open("bare.json"))["sites"]
seen = 0
for site in sites:
    bare, noisy = site["models"]
    if not noisy or not noisy["quantizers"]:
        continue
    measured, known = bare["quantizers"][0]["noisy_bias"], noisy["quantizers"][0]["noisy_bias"]
    assert len(measured) == len(known), site["name"]
    assert all(abs(a - b) <= 1e-3 * noisy["quantizers"][0]["scale"] for a, b in zip(measured, known)), site["name"]
    assert not bare["curves"] and noisy["curves"], site["name"]
    for model in (bare, noisy):
        for quantizer in model["quantizers"]:
            assert sum(quantizer["codes"]) == quantizer["values"] == sum(quantizer["input"]["counts"]) > 0, site["name"]
        assert sum(model["output"]["counts"]) == sum(site["output"]["counts"]) > 0, site["name"]
    seen += bool(known)
assert seen > 3, seen
EOF

# calibrate makes the same kind of page, with the same names of classes.
printf '%s\n' disc '<b>square</b>' >names.txt
ok calibrate "$demo" --images "$calib" --num-images 8 --method easyquant --wbits 4 --abits 4 -o again.onnx --report again.html \
  --report-data again.json --class-names names.txt -q
grep -q '&lt;b&gt;square&lt;/b&gt;' again.html || fail "no class names in calibrate's report"
grep -q '"class_names":\["disc",' again.json || fail "no class names in the data of calibrate's report"
refuse 2 "--report-data needs --report" -- calibrate "$demo" --images "$calib" -o no.onnx --report-data no.json
refuse 2 "--class-names needs --report" -- calibrate "$demo" --images "$calib" -o no.onnx --class-names names.txt
refuse 3 "absent.txt" -- calibrate "$demo" --images "$calib" -o no.onnx --report no.html --class-names absent.txt
[[ ! -e no.onnx ]] || fail "a model was written before the class names were read"
grep -q 'id="site-3"' again.html || fail "no layers in calibrate's report"
cmp again.onnx easyquant.onnx || fail "a report changes the model"

# A product that has no counterpart is named with the reason.
sed 's#/blocks/blocks.1/attn/MatMul_output_0#/blocks/blocks.1/attn/MatMul_output_X#g' noisyquant.onnx >renamed.onnx
ok report --reference "$demo" --model renamed.onnx "${common[@]}" --layer-images 2 -o gaps.html --data gaps.json
grep -q 'id="gaps-table"' gaps.html || fail "the page does not list what could not be compared"
python3 - <<'EOF' || fail "the data does not list what could not be compared"
import json
unmatched = json.load(open("gaps.json"))["models"][0]["unmatched"]
assert any("blocks.1/attn/MatMul" in layer["name"] and "no value" in layer["reason"] for layer in unmatched), unmatched
EOF

# Figures from the page and from its data are the same.
for figure in mse scores site layers curve noise; do
  ok plot one.html --figure $figure -o page.svg
  ok plot one.json --figure $figure -o data.svg
  cmp page.svg data.svg || fail "$figure differs between page and data"
  head -c 4 page.svg | grep -q '<svg' || fail "$figure is no SVG"
  ok plot one.json --figure $figure -o figure.png --dark --log --accumulated
  [[ $(head -c 8 figure.png | od -An -tx1 | tr -d ' \n') == 89504e470d0a1a0a ]] || fail "$figure is no PNG"
  ok plot one.json --figure $figure --term
  expect_stdout "+----"
done
ok plot one.json --figure layers --term --json
json_has figure output
ok plot one.json --figure site --site 5 -o by_number.svg
name=$(python3 -c 'import json; print(json.load(open("one.json"))["sites"][5]["name"])')
ok plot one.json --figure site --site "$name" -o by_name.svg
cmp by_number.svg by_name.svg || fail "a layer by name and by number"

refuse 2 "no image is called 'nowhere.png'" -- "${report[@]}" --show nowhere.png -o no.html
refuse 2 "labels for 3 models" -- "${report[@]}" --label one -o no.html
refuse 2 "would replace the input" -- "${report[@]}" -o easyquant.onnx
refuse 2 "neither .svg nor .png" -- plot one.json -o figure.gif
refuse 2 "nothing to draw on" -- plot one.json
refuse 2 "no layer 'fc9'" "/blocks" -- plot one.json --figure site --site fc9 -o no.svg
refuse 2 "no scores of image" -- plot one.json --figure scores --image x.png -o no.svg
refuse 3 "is not valid JSON" -- plot "$demo" -o no.svg
head -c 20000 one.json >cut.json
refuse 3 "cut.json" -- plot cut.json -o no.svg
sed 's/"operand":0/"operand":7/' one.json >bad.json
refuse 3 "operand" -- plot bad.json -o no.svg
ok report --reference "$demo" --model easyquant.onnx "${common[@]}" --no-layers -o flat.html
refuse 2 "has no layers" -- plot flat.html --figure site -o no.svg
