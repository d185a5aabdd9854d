#!/usr/bin/env bash
# Runs every fuzz target for a share of the given minutes, and prints executions, coverage and findings.
#
#   scripts/fuzz.sh --minutes M [--target NAME] [--minimize]
#
# --target    only that target
# --minimize  afterwards rewrite tests/fuzz/corpus/<target> as the smallest set of inputs that reaches the same code
#
# Builds the preset `fuzz` (clang from scripts/install_deps.sh --fuzz). Inputs found are kept in build/fuzz/corpus, what
# breaks a promise in build/fuzz/findings; both are gone on with by the next run. NQ_SHARED may name a folder whose models
# and images are further seeds. One process at a time. Exits 1 when there is a finding.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

minutes='' only='' minimize=0
while (($#)); do
  case $1 in
    --minutes) minutes=$2; shift 2 ;;
    --target) only=$2; shift 2 ;;
    --minimize) minimize=1; shift ;;
    *) echo "usage: $0 --minutes M [--target NAME] [--minimize]" >&2; exit 2 ;;
  esac
done
[[ $minutes =~ ^[0-9]+$ ]] || { echo "usage: $0 --minutes M [--target NAME] [--minimize]" >&2; exit 2; }

targets=(model graph recipe preprocess image tensor emitter)
[[ -z $only ]] || targets=("$only")
build=build/fuzz
/usr/bin/cmake --preset fuzz >/dev/null
/usr/bin/ninja -C "$build" nq_cli_fixtures "${targets[@]/#/nq_fuzz_}" >/dev/null

# seeds TARGET DIR: inputs to start from.
seeds() {
  local dir=$2 file name
  case $1 in
    model)
      for name in tiny_vit tiny_vit_other; do "$build/tests/cli/nq_cli_fixtures" "$name" "$dir/$name.onnx"; done
      [[ -z ${NQ_SHARED:-} ]] || tar -xJf "$NQ_SHARED/data/onnx-node-tests.tar.xz" -C "$dir" --wildcards '*/model.onnx' \
        --transform 's|/|_|g' 2>/dev/null || true
      find "$dir" -name '*.onnx' -size +64k -delete
      ;;
    recipe | preprocess)
      # Every JSON text of the tests and models that this reader takes, and some it refuses.
      find models tests/golden -name '*.json' -size -64k -exec cp -t "$dir" {} +
      ;;
    image)
      for file in tests/unit/data/golden/*.{png,jpg,jpeg,bmp}; do
        [[ -f $file ]] && { printf 'ab\2'; cat "$file"; } >"$dir/$(basename "$file")"
      done
      ;;
  esac
  return 0
}

# figure LOG NAME: the last value of a figure that libFuzzer prints with every line.
figure() { grep -oE "$2: [0-9]+" "$1" | tail -n 1 | grep -oE '[0-9]+$' || echo 0; }

share=$((minutes * 60 / ${#targets[@]}))
failed=0
printf '%-11s %10s %9s %9s %8s %9s\n' target executions seconds edges inputs findings
for target in "${targets[@]}"; do
  corpus=$build/corpus/$target findings=$build/findings/$target seed=$build/seeds/$target log=$build/fuzz_$target.log
  mkdir -p "$corpus" "$findings" "$seed" "tests/fuzz/corpus/$target"
  [[ -n $(ls -A "$seed") ]] || seeds "$target" "$seed"
  start=$SECONDS
  # A finding ends libFuzzer: go on with what is left of the time.
  : >"$log"
  executions=0
  while ((SECONDS - start < share)); do
    OMP_NUM_THREADS=1 ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
      "$build/tests/fuzz/nq_fuzz_$target" -max_total_time=$((share - (SECONDS - start))) -timeout=20 -rss_limit_mb=4096 \
      -max_len=65536 -print_final_stats=1 -artifact_prefix="$findings/" "$corpus" "tests/fuzz/corpus/$target" "$seed" \
      >"$log.part" 2>&1 || true
    cat "$log.part" >>"$log"
    executions=$((executions + $(grep -oE 'number_of_executed_units: [0-9]+' "$log.part" | grep -oE '[0-9]+$' || echo 0)))
    (($(find "$findings" -type f | wc -l) < 20)) || break
  done
  found=$(find "$findings" -type f | wc -l)
  ((found == 0)) || failed=1
  printf '%-11s %10d %9d %9d %8d %9d\n' "$target" "$executions" $((SECONDS - start)) "$(figure "$log" cov)" \
    "$(find "$corpus" -type f | wc -l)" "$found"
  if ((minimize)); then
    smallest=$build/smallest/$target
    rm -rf "$smallest"
    mkdir -p "$smallest"
    "$build/tests/fuzz/nq_fuzz_$target" -merge=1 -max_len=4096 "$smallest" "tests/fuzz/corpus/$target" "$corpus" >/dev/null 2>&1 || true
    # Regression inputs have names; the rest is chosen anew: the smallest inputs first.
    find "tests/fuzz/corpus/$target" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -delete
    find "$smallest" -type f -printf '%s %p\n' | sort -n | head -n 40 | cut -d ' ' -f 2 | xargs -r cp -t "tests/fuzz/corpus/$target"
  fi
done
exit $failed
