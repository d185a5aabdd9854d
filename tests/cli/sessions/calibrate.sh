#!/usr/bin/env bash
# calibrate: files, JSON, plan, selection, memory limit.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx
image_folder images 6
common=(vit.onnx --images images --preprocess inception)

# The default names, and what is printed.
ok calibrate "${common[@]}"
[[ -f vit_w8a8.onnx && -f vit_w8a8.recipe.json ]] || fail "default output names"
expect_stdout "/fc1_product/MatMul" "logit MSE" "agreement" "SQNR" "2 linear W8A8; float: patch embedding, head" \
  "float: patch embedding, head" "wrote      vit_w8a8.onnx"
expect_stderr "preprocess:" "preset 'inception'" "images: 6"

mkdir out
ok calibrate "${common[@]}" -o out/q.onnx --recipe-out out/r.json --wbits 6 --abits 5 --num-images 4 --json
json_has sites skipped phases decode_s forward_s search_s emit_s compare_s peak_rss_bytes output recipe images \
  skipped_images comparison logit_mse agreement sqnr_db preprocess method options loss_before loss_after
[[ $(json_value images) == 4 ]] || fail "--num-images"
[[ -f out/q.onnx && -f out/r.json ]] || fail "named outputs"
[[ $(find out -type f | wc -l) == 2 ]] || fail "nothing else is left behind"

# Every method, both propagations, both ranges.
for method in $("$NQCLI" calibrate --help | sed -n -E 's/.*--method \{([^}]*)\}.*/\1/p' | tr ',' ' '); do
  ok calibrate "${common[@]}" --method "$method" --wbits 6 --abits 6 -o "out/$method.onnx" --json -q
  [[ $(json_value method) == "\"$method\"" ]] || fail "method $method"
  [[ ! -s ../.log/stderr ]] || fail "--quiet prints nothing"
done
ok calibrate "${common[@]}" --propagate quantized --activation asymmetric --objective cosine -o out/p.onnx -q
ok calibrate "${common[@]}" --head --patch-embed -o out/all.onnx --json -q
[[ $(grep -c '"loss_after"' ../.log/stdout) == 4 ]] || fail "--head and --patch-embed quantize every layer"
ok calibrate "${common[@]}" --no-fold -o out/n.onnx -q
cmp -s out/n.onnx vit_w8a8.onnx && fail "--no-fold writes another graph"

# Bits of single layers and parts of best are recorded.
ok calibrate "${common[@]}" --wbits 4 --abits 8 --bits 'fc1=w6a5' --best-without noisy_bias,weight_codes -o out/b.onnx --json -q
grep -q '"bits": "fc1=w6a5"' ../.log/stdout || fail "--bits is not recorded"
grep -q '"best_without": "noisy_bias,weight_codes"' ../.log/stdout || fail "--best-without is not recorded"
ok inspect out/b.onnx
expect_stdout "W6A5"
refuse 2 "--bits" -- calibrate "${common[@]}" --bits fc1 -o out/none.onnx -q
refuse 2 "no quantized layer" -- calibrate "${common[@]}" --bits nothing=w4 -o out/none.onnx -q
refuse 2 "--best-without" -- calibrate "${common[@]}" --best-without luck -o out/none.onnx -q

# Reparameterization is a stage of the host methods.
ok calibrate "${common[@]}" --method noisyquant --reparam repq -o out/reparam.onnx --json -q
grep -q '"reparam": "repq"' ../.log/stdout || fail "--reparam is not recorded"
refuse 2 "--reparam" -- calibrate "${common[@]}" --method best --reparam os -o out/none.onnx -q

# A plan writes nothing.
before=$(state)
ok calibrate "${common[@]}" --dry-run -o out/dry.onnx
expect_stdout "would quantize 2 of 4 linear layers" "float: classifier head (--head)"
ok calibrate "${common[@]}" -n -o out/dry.onnx --json
json_has dry_run sites skipped
[[ $(state) == "$before" ]] || fail "--dry-run wrote something"

# Labels that are no classes end the run before it starts.
find images -type f -printf '%P 5000\n' >wrong.txt
refuse 2 "label 5000, the model has" -- calibrate "${common[@]}" --labels wrong.txt --no-preprocess-check -o out/none.onnx -q
[[ ! -e out/none.onnx ]] || fail "a model was written for labels that are no classes"

refuse 6 "--max-memory" -- calibrate "${common[@]}" --max-memory 1K -o out/big.onnx -q
refuse 4 "no linear layer" -- calibrate "${common[@]}" --include nothing_has_this_name -o out/none.onnx -q
fixture nan_weight nan.onnx
refuse 3 "not finite" "/fc1_product/MatMul" -- calibrate nan.onnx --images images --preprocess inception -q -o out/nan.onnx
