#!/usr/bin/env bash
# node_tests.sh RUNNER FOLDER: runs the node tests of the ONNX standard, unpacked once into FOLDER.
# Fails on a failed case, or when 12 % of the cases or more are skipped.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/shared.sh"
runner=$1
folder=$2
archive=data/onnx-node-tests.tar.xz
need_shared "$archive"

stamp=$folder/node_tests.stamp
if [[ ! $stamp -nt $NQ_SHARED/$archive ]]; then
  rm -rf "$folder/node_tests"
  mkdir -p "$folder/node_tests"
  tar -xJf "$NQ_SHARED/$archive" -C "$folder/node_tests"
  touch "$stamp"
fi
mapfile -t roots < <(find "$folder/node_tests" -name model.onnx -printf '%h\n' | xargs -n1 dirname | sort -u)

status=0
report=$("$runner" "${roots[@]}") || status=$?
grep -v '^PASS' <<<"$report" || true
[[ $status == 0 ]] || exit 1
read -r passed _ failed _ skipped _ <<<"$(tail -n1 <<<"$report" | tr -d ,)"
total=$((passed + failed + skipped))
((total >= 1000)) || { echo "only $total cases were found"; exit 1; }
((skipped * 100 < total * 12)) || { echo "12 % of the cases or more are skipped"; exit 1; }
