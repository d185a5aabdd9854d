#!/usr/bin/env bash
# Runs every fuzz target for a share of the given minutes, and prints executions, coverage and findings.
#
#   scripts/fuzz.sh --minutes M [--target NAME] [--minimize] [--no-build]
#
# --target    only that target
# --no-build  run the targets as they were built last
# --minimize  afterwards rewrite tests/fuzz/corpus/<target> as the smallest set of inputs that reaches the same code
#
# Builds the preset `fuzz` (clang from scripts/install_deps.sh --fuzz). Inputs found are kept in build/fuzz/corpus, what
# breaks a promise in build/fuzz/findings; both are gone on with by the next run, and so are the sums of processor time and
# executions in build/fuzz/totals (a line per run: begin, end, seconds of processor time, executions, edges). NQ_SHARED may
# name a folder whose models and images are further seeds. One process at a time. Exits 1 when there is a finding.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

minutes='' only='' minimize=0 build_first=1
usage="usage: $0 --minutes M [--target NAME] [--minimize] [--no-build]"
while (($#)); do
  case $1 in
    --minutes) minutes=$2; shift 2 ;;
    --target) only=$2; shift 2 ;;
    --minimize) minimize=1; shift ;;
    --no-build) build_first=0; shift ;;
    *) echo "$usage" >&2; exit 2 ;;
  esac
done
[[ $minutes =~ ^[0-9]+$ ]] || { echo "$usage" >&2; exit 2; }

targets=(model graph recipe preprocess image tensor emitter)
[[ -z $only ]] || targets=("$only")
build=build/fuzz
if ((build_first)); then
  /usr/bin/cmake --preset fuzz >/dev/null
  /usr/bin/ninja -C "$build" nq_cli_fixtures "${targets[@]/#/nq_fuzz_}" >/dev/null
fi

# prefixed BYTES FILE...: copies into $dir, each behind the bytes that the target reads first.
prefixed() {
  local bytes=$1 file
  shift
  for file; do
    [[ ! -f $file ]] || { printf '%b' "$bytes"; cat "$file"; } >"$dir/$(sha1sum <<<"$file" | head -c 12)"
  done
}

# node_tests PATTERN: those files of the node tests of the ONNX standard, in a folder that is removed afterwards.
node_tests() {
  local folder=$build/node_tests
  mkdir -p "$folder"
  [[ -z ${NQ_SHARED:-} ]] || tar -xJf "$NQ_SHARED/data/onnx-node-tests.tar.xz" -C "$folder" --wildcards "$1" --transform 's|/|_|g'
  find "$folder" -type f -size -64k
}

# seeds TARGET DIR: inputs to start from.
seeds() {
  local dir=$2 name
  case $1 in
    model)
      for name in tiny_vit tiny_vit_other; do "$build/tests/cli/nq_cli_fixtures" "$name" "$dir/$name.onnx"; done
      node_tests '*/model.onnx' | xargs -r mv -t "$dir"
      [[ -z ${NQ_SHARED:-} ]] || find "$NQ_SHARED/data/graphs" -name '*.onnx' -size -64k -exec cp -t "$dir" {} +
      ;;
    recipe) find models tests/golden -name '*.json' -size -64k -exec cp -t "$dir" {} + ;;
    preprocess) prefixed '\2\2\40\40' models/*.preprocess.json ;;
    image)
      prefixed 'ab\2' tests/unit/data/golden/*.{png,jpg,jpeg,bmp} models/images/calib/00*.png
      [[ -z ${NQ_SHARED:-} ]] || prefixed 'ab\3' $(find "$NQ_SHARED/data/images" -type f -size -64k | sort | head -n 40)
      ;;
    tensor) prefixed '\1' $(node_tests '*/input_0.pb') ;;
  esac
  rm -rf "$build/node_tests"
}

# words DIR...: a dictionary of the keys and words in JSON texts.
words() {
  cat "$@" | grep -aohE '"[A-Za-z_][A-Za-z0-9_.]{1,40}"' | sort -u | head -n 1000
}

# figure LOG NAME: the last value of a figure that libFuzzer prints with every line.
figure() { grep -aoE "$2: [0-9]+" "$1" | tail -n 1 | grep -oE '[0-9]+$' || echo 0; }

# drop_pauses TARGET: a machine that stood still or was busy looks like an input without end, which another, longer try alone
# tells apart.
drop_pauses() {
  local input
  for input in "$findings"/timeout-*; do
    [[ ! -e $input ]] || ! "$build/tests/fuzz/nq_fuzz_$1" -timeout=$((10 * timeout_s)) "$input" >/dev/null 2>&1 || rm "$input"
  done
}

export OMP_NUM_THREADS=1 ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
timeout_s=20
share=$((minutes * 60 / ${#targets[@]}))
failed=0
TIMEFORMAT='%U %S'
mkdir -p "$build/totals"
printf '%-11s %12s %10s %7s %7s %9s\n' target executions cpu_minutes edges inputs findings
for target in "${targets[@]}"; do
  corpus=$build/corpus/$target findings=$build/findings/$target seed=$build/seeds/$target
  log=$build/fuzz_$target.log totals=$build/totals/$target
  mkdir -p "$corpus" "$findings" "$seed" "tests/fuzz/corpus/$target"
  [[ -n $(ls -A "$seed") ]] || seeds "$target" "$seed"
  # The entropic schedule takes most of the time with as many features as these targets have.
  options=(-entropic=0 -timeout="$timeout_s" -report_slow_units=1000000 -rss_limit_mb=4096 -max_len=65536 -print_final_stats=1 -print_funcs=0
    -artifact_prefix="$findings/")
  if [[ $target == recipe || $target == preprocess ]]; then
    words tests/fuzz/corpus/$target/* "$seed"/* >"$build/$target.words"
    options+=(-dict="$build/$target.words")
  fi
  start=$SECONDS
  # A finding ends libFuzzer: go on with what is left of the time.
  while ((SECONDS - start < share)); do
    begin=$(date +%FT%T)
    left=$((share - (SECONDS - start)))
    # A sanitizer that is interrupted while it prints a stack can wait for itself for good.
    { time timeout -k 10 $((left + 60)) "$build/tests/fuzz/nq_fuzz_$target" -max_total_time=$left "${options[@]}" \
      "$corpus" "tests/fuzz/corpus/$target" "$seed" >"$log" 2>&1 || true; } 2>"$log.time"
    executions=$(grep -aoE 'number_of_executed_units: [0-9]+' "$log" | grep -oE '[0-9]+$' || echo 0)
    echo "$begin $(date +%FT%T) $(awk 'END {print $1 + $2}' "$log.time") $executions $(figure "$log" cov)" >>"$totals"
    [[ $(find "$findings" -type f | wc -l) == 0 ]] || cp "$log" "$log.$(date +%s)"
    drop_pauses "$target"
    (($(find "$findings" -type f | wc -l) < 20)) || break
  done
  found=$(find "$findings" -type f | wc -l)
  ((found == 0)) || failed=1
  awk -v target="$target" -v inputs="$(find "$corpus" -type f | wc -l)" -v found="$found" '
    { cpu += $3; executions += $4; if ($5 > edges) edges = $5 }
    END { printf "%-11s %12d %10.1f %7d %7d %9d\n", target, executions, cpu / 60, edges, inputs, found }' "$totals"
  if ((minimize)); then
    smallest=$build/smallest/$target
    rm -rf "$smallest"
    mkdir -p "$smallest"
    "$build/tests/fuzz/nq_fuzz_$target" -set_cover_merge=1 -max_len=4096 "$smallest" "tests/fuzz/corpus/$target" "$corpus" >/dev/null 2>&1 || true
    # Regression inputs have names; the rest is chosen anew: the smallest inputs first, and not many bytes in all.
    find "tests/fuzz/corpus/$target" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -delete
    find "$smallest" -type f -printf '%s %p\n' | sort -n | awk '{ bytes += $1; if (bytes > 40960 || NR > 60) exit; print $2 }' |
      xargs -r cp -t "tests/fuzz/corpus/$target"
    for file in "tests/fuzz/corpus/$target"/*; do
      digest=$(sha1sum <"$file" | cut -c 1-40)
      [[ $file == */$digest ]] || rm -f "tests/fuzz/corpus/$target/$digest"
    done
  fi
done
exit $failed
