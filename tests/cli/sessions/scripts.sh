#!/usr/bin/env bash
# The project's scripts parse, and refuse what they do not know.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

for script in "$NQ_SOURCE"/scripts/*.sh "$NQ_SOURCE"/tests/cli/*.sh "$NQ_SOURCE"/tests/cli/sessions/*.sh "$NQ_SOURCE/.ci/run"; do
  bash -n "$script" || fail "$script does not parse"
done
"$NQ_SOURCE/scripts/install_deps.sh" --nonsense 2>/dev/null && fail "install_deps.sh accepted --nonsense"
"$NQ_SOURCE/scripts/reproduce.sh" --nonsense x 2>/dev/null && fail "reproduce.sh accepted --nonsense"
"$NQ_SOURCE/scripts/reproduce.sh" --help >../.log/stdout
expect_stdout "--calib DIR" "--seeds"

# The table script, on a small model.
fixture tiny_vit vit.onnx
image_folder images 6
"$NQ_SOURCE/scripts/reproduce.sh" --nqcli "$NQCLI" --model vit.onnx --calib images --eval images --seeds "0 1" \
  --methods "minmax noisyquant" --bits "8 4" --preprocess inception --calib-images 4 >../.log/stdout
expect_stdout "## vit.onnx" "| float | - | 0 | 100.00 |" "| minmax | W8A8 |" "| noisyquant | W4A4 |"
