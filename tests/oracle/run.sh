#!/usr/bin/env bash
# run.sh SCRIPT ARG...: runs a Python comparison, or says why it is skipped (exit 77).
set -euo pipefail
export PYTHONDONTWRITEBYTECODE=1
if [[ -z ${NQ_PYTHON:-} ]] || ! "$NQ_PYTHON" -c 'import numpy, onnx, onnxruntime, openvino, PIL' 2>/dev/null; then
  echo "NQ_PYTHON names no Python with numpy, onnx, onnxruntime, openvino and pillow (scripts/test.sh finds or installs one)"
  [[ ${NQ_REQUIRE_ORACLE:-0} == 1 ]] && exit 1
  exit 77
fi
if [[ ${NQ_NEEDS_SHARED:-1} == 1 && ( -z ${NQ_SHARED:-} || ! -d $NQ_SHARED/data ) ]]; then
  echo "shared test data absent (set NQ_SHARED)"
  [[ ${NQ_REQUIRE_SHARED:-0} == 1 ]] && exit 1
  exit 77
fi
exec "$NQ_PYTHON" "$@"
