#!/usr/bin/env bash
# The project's scripts parse, and refuse what they do not know.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

for script in "$NQ_SOURCE"/scripts/*.sh "$NQ_SOURCE"/tests/cli/*.sh "$NQ_SOURCE"/tests/cli/sessions/*.sh "$NQ_SOURCE/.ci/run"; do
  bash -n "$script" || fail "$script does not parse"
done
"$NQ_SOURCE/scripts/install_deps.sh" --nonsense 2>/dev/null && fail "install_deps.sh accepted --nonsense"
"$NQ_SOURCE/scripts/reproduce.sh" table1 --nonsense x 2>/dev/null && fail "reproduce.sh accepted --nonsense"
"$NQ_SOURCE/scripts/reproduce.sh" --help >../.log/stdout
expect_stdout "--calib DIR" "--seeds" "ablation"
"$NQ_SOURCE/scripts/reproduce.sh" table9 2>/dev/null && fail "reproduce.sh accepted table9"

"$NQ_SOURCE/scripts/figures.sh" 2>../.log/stdout && fail "figures.sh ran without a model"
expect_stdout "MODEL CALIB TEST OUT"

# The tables, on a small model: kept runs are not measured again.
fixture tiny_vit vit.onnx
image_folder images 6
table() {
  "$NQ_SOURCE/scripts/reproduce.sh" "$@" --nqcli "$NQCLI" --models "tiny=vit.onnx" --calib images --eval images \
    --preprocess inception --calib-images 4 --work runs >../.log/stdout
}
table lowbit --seeds "0 1" --methods "minmax noisyquant" --bits "8/8 4/6" --json figures.json
expect_stdout "| tiny | images | 4 | W8A8 | minmax | 2 |" "| tiny | images | 4 | W4A6 | noisyquant | 2 |"
grep -q '"deviation"' figures.json || fail "no deviations in the JSON"
touch -d '2001-01-01' runs/tiny/images/n4_s0/minmax_w8a8.json
table table3 --seeds 0
expect_stdout "noisyquant + repq" "easyquant + os" "| minmax |"
[[ $(date -r runs/tiny/images/n4_s0/minmax_w8a8.json +%Y) == 2001 ]] || fail "a kept run was measured again"
