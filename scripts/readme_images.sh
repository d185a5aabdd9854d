#!/usr/bin/env bash
# Takes the README's pictures anew: a report of the bundled model at W4A4 (scripts/figures.sh), opened in Chromium.
#
#   scripts/readme_images.sh [FOLDER]    default: docs/images
#
# NQCLI names the program.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=$(realpath -m "${1:-$root/docs/images}")
layer=/blocks/blocks.3/mlp/fc2/MatMul
NQCLI=$(realpath "${NQCLI:-$root/build/release/tools/nqcli/nqcli}")
export NQCLI NQ_SITE=$layer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$out"
# Relative, so that what the pictures show depends on no folder.
cd "$root"
scripts/figures.sh models/demo_vit.onnx models/images/calib models/images/test "$work" 4
PYTHONDONTWRITEBYTECODE=1 python3 tests/browser/readme_images.py "$work/report_w4a4.html" "$out" "$layer" NoisyQuant
ls -l "$out"/report_*.png
