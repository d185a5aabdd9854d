#!/usr/bin/env bash
# support_doc.sh GENERATOR FILE: FILE is what GENERATOR prints; NQ_UPDATE_GOLDEN=1 writes it instead.
set -euo pipefail
if [[ ${NQ_UPDATE_GOLDEN:-0} == 1 ]]; then
  "$1" >"$2"
  exit
fi
if ! diff -u "$2" <("$1"); then
  echo "$2 is out of date: run the test docs.onnx_support with NQ_UPDATE_GOLDEN=1" >&2
  exit 1
fi
