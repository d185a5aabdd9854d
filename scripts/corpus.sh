#!/usr/bin/env bash
# corpus.sh OUT [REGEX]: exports the corpus of small vision transformers into OUT, checks nqcli on every model, and packs
# the graphs that the test suite runs (tests/oracle/corpus/skeletons.tar.xz, when no REGEX leaves models out).
#
# NQ_CORPUS_PYTHON names a Python that has scripts/requirements-corpus.txt; without it one is made in OUT/venv with pip.
# NQ_BUILD names the build folder with nqcli and onnx_conformance (default: build/release).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [[ $# -lt 1 || $# -gt 2 ]]; then
  sed -n '2,6s/^# //p' "$0" >&2
  exit 2
fi
out=$1
pattern=${2:-}
build=${NQ_BUILD:-build/release}
mkdir -p "$out"
python=${NQ_CORPUS_PYTHON:-}
if [[ -z $python ]]; then
  python=$out/venv/bin/python
  [[ -x $python ]] || python3 -m venv "$out/venv"
  "$python" -m pip install -q -r scripts/requirements-corpus.txt
fi
for program in nqcli/nqcli onnx_conformance/onnx_conformance; do
  [[ -x $build/tools/$program ]] || { echo "no $build/tools/$program: build it, or set NQ_BUILD" >&2; exit 1; }
done
status=0
"$python" scripts/corpus/make.py "$out/models" --only "$pattern" || status=$?
"$python" scripts/corpus/check.py "$out/models" --only "$pattern" --nqcli "$build/tools/nqcli/nqcli" \
  --conformance "$build/tools/onnx_conformance/onnx_conformance" || status=$?
[[ -n $pattern ]] || "$python" scripts/corpus/skeleton.py pack "$out/models" tests/oracle/corpus/skeletons.tar.xz
exit "$status"
