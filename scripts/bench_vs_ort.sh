#!/usr/bin/env bash
# Images per second of nqcli and of ONNX Runtime on the same files, in turns.
#
#   scripts/bench_vs_ort.sh MODEL... [--batch 1 8] [--threads 1 2] [--rounds 7] [--json FILE]
#
# NQ_PYTHON   a Python with numpy and onnxruntime; by default one is made in build/venv (pip)
# NQ_NQCLI    the program to measure; by default build/release is built
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
here=$PWD

nqcli=${NQ_NQCLI:-$here/build/release/tools/nqcli/nqcli}
if [[ -z ${NQ_NQCLI:-} ]]; then
  scripts/install_deps.sh >&2
  /usr/bin/cmake --preset release >/dev/null
  /usr/bin/cmake --build --preset release -j "$(nproc)" >&2
fi
python=${NQ_PYTHON:-$here/build/venv/bin/python}
if ! "$python" -c 'import numpy, onnxruntime' 2>/dev/null; then
  scripts/install_deps.sh --tests >&2
  python3 -m venv build/venv
  python=$here/build/venv/bin/python
  "$python" -m pip install --quiet --disable-pip-version-check -r scripts/requirements-test.txt
fi
cd "$OLDPWD"
exec "$python" "$here/scripts/bench_vs_ort.py" "$nqcli" "$@"
