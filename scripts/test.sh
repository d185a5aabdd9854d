#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test.
#
#   scripts/test.sh [ctest arguments...]
#
# NQ_PRESET           CMake preset: dev (default), ci (warnings are errors), asan
# NQ_SHARED           folder with the larger test data; tests that need it are skipped without it
# NQ_REQUIRE_SHARED   1: its absence fails those tests instead
# NQ_REQUIRE_BROWSER  1: install Chromium and require it for the tests of the report's page
# NQ_REQUIRE_ORACLE   1: install the other runtimes to compare with (pip, into build/venv) and require them
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=${NQ_PRESET:-dev}
cmake=/usr/bin/cmake
jobs=$(nproc)

if [[ ${NQ_REQUIRE_BROWSER:-0} == 1 ]]; then
  scripts/install_deps.sh --browser
else
  scripts/install_deps.sh --tests
fi

# Python with the packages of scripts/requirements-test.txt, or nothing when they may be absent.
find_oracle() {
  local python
  for python in "${NQ_PYTHON:-}" build/venv/bin/python python3; do
    [[ -n $python ]] && command -v "$python" >/dev/null || continue
    if "$python" -c 'import numpy, onnx, onnxruntime, openvino, PIL' 2>/dev/null; then
      command -v "$python"
      return
    fi
  done
}

NQ_PYTHON=$(find_oracle)
if [[ -z $NQ_PYTHON && ${NQ_REQUIRE_ORACLE:-0} == 1 ]]; then
  echo "test: installing numpy, onnx, onnxruntime, openvino and pillow into build/venv"
  python3 -m venv build/venv
  build/venv/bin/python -m pip install --quiet --disable-pip-version-check -r scripts/requirements-test.txt
  NQ_PYTHON=$(find_oracle)
fi
if [[ -n $NQ_PYTHON ]]; then
  NQ_PYTHON=$(realpath -s "$NQ_PYTHON")
  export NQ_PYTHON
  echo "test: comparing with other runtimes through $NQ_PYTHON"
else
  unset NQ_PYTHON
  echo "test: no Python with numpy, onnx, onnxruntime, openvino and pillow: comparisons with them are skipped"
fi

"$cmake" --preset "$preset"
"$cmake" --build --preset "$preset" -j "$jobs"
exec /usr/bin/ctest --preset "$preset" -j "$jobs" "$@"
