#!/usr/bin/env bash
# bench: figures are there and plausible.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

fixture tiny_vit vit.onnx

ok bench vit.onnx --batch 4 --threads 2 --repeat 3 --warmup 1 --json
json_has images_per_s latency_ms median min p90 batch threads repeat
[[ $(json_value batch) == 4 && $(json_value threads) == 2 && $(json_value repeat) == 3 ]] || fail "settings"
awk -v median="$(json_value median)" -v least="$(json_value min)" -v p90="$(json_value p90)" \
  -v rate="$(json_value images_per_s)" 'BEGIN {
    close_enough = rate * median / 4000
    exit !(least > 0 && least <= median && median <= p90 && close_enough > 0.999 && close_enough < 1.001)
  }' || fail "figures contradict each other"
expect_stderr "benchmark: 4/4 runs"

ok bench vit.onnx --repeat 1 --warmup 0
expect_stdout "images/s" "median"
fixture without_sites pool.onnx
ok bench pool.onnx --repeat 1 -q
[[ ! -s ../.log/stderr ]] || fail "--quiet prints nothing"
