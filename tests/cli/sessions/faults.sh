#!/usr/bin/env bash
# Every call that can fail is made to fail, in calibrate, quantize and eval: a documented exit code, one message, whole
# outputs or none, inputs as they were, no temporary file.
#
# NQ_FAULT_POINTS bounds the points per command and kind of call (4); 0 takes all. NQ_FAULT_TABLE names a file that the
# table of points is written to.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"
not_sanitized "it takes the calls that would be made to fail"
: "${NQ_FAULT_LIBRARY:?path of the library that makes calls fail}"
points=${NQ_FAULT_POINTS:-4}

mkdir in want
fixture tiny_vit in/vit.onnx
image_folder in/images 6
cp in/vit.onnx want/vit.onnx
pre=(--images in/images --preprocess inception --threads 1 -q)
calibrate=(calibrate in/vit.onnx "${pre[@]}" --no-preprocess-check --method minmax --save-stats out/q.stats --state out/state
  --save-every 0 -o out/q.onnx)
quantize=(quantize in/vit.onnx --recipe in/q.recipe.json --threads 1 -q -o out/q.onnx)
fit=(quantize in/vit.onnx --stats in/q.stats --method minmax --threads 1 -q -o out/q.onnx)
eval=(eval in/q.onnx --reference in/vit.onnx "${pre[@]}" --state out/counts.json --save-every 0)
resume=("${calibrate[@]}")  # from the state of a calibration that got through

# The undisturbed runs, and their calls.
mkdir out
ok "${calibrate[@]}"
cp -r out/q.onnx out/q.recipe.json out/q.stats out/state in/
chmod a-w in/vit.onnx in/q.onnx
inputs=$(cd in && state)

# prepare COMMAND: the folder that it writes to.
prepare() {
  rm -rf out
  mkdir out
  [[ $1 != resume ]] || cp -r in/state out/state
}

# whole FILE: the file is what the undisturbed run wrote. Counts hold the seconds that they took. Model and recipe
# are written before their evaluation is recorded in them: without the record they are whole too, and can be used.
whole() {
  cmp -s <(sed '/"seconds"/d' "$1") <(sed '/"seconds"/d' "$want/${1#out/}") && return
  [[ $code != 0 ]] || return 1
  case $1 in
    *.onnx) "$NQCLI" inspect "$1" -q >/dev/null 2>&1 ;;
    *.recipe.json) "$NQCLI" quantize in/vit.onnx --recipe "$1" -q -o ../.log/tried.onnx >/dev/null 2>&1 ;;
    *) return 1 ;;
  esac
}

# point COMMAND KIND N: one run with one fault. The outcome is counted.
point() {
  local -n words=$1
  prepare "$1"
  echo "NQ_FAULT=$2:$3 nqcli ${words[*]}" >../.log/command
  local code=0 file
  env LD_PRELOAD="$NQ_FAULT_LIBRARY" NQ_FAULT="$2:$3" "$NQCLI" "${words[@]}" >../.log/stdout 2>../.log/stderr </dev/null || code=$?
  echo "$code" >../.log/code
  case $code in
    0) unharmed=$((unharmed + 1)) ;;
    3 | 6)
      refused=$((refused + 1))
      [[ $(grep -c '^error\[' ../.log/stderr) == 1 ]] || fail "expected exactly one error line"
      ;;
    *) fail "exit code $code" ;;
  esac
  ! grep -q 'remove the folder' ../.log/stderr || fail "a state that is of use is called useless"
  [[ -z $(find . -name '*.nqcli-*') ]] || fail "a temporary file is left"
  for file in out/q.onnx out/q.recipe.json out/q.stats out/counts.json; do
    if [[ -e $file ]]; then whole "$file" || fail "$file is not whole"
    elif [[ $code == 0 && -e $want/${file#out/} ]]; then fail "$file is missing"; fi
  done
  [[ $(cd in && state) == "$inputs" ]] || fail "an input was changed"
  # What a failed calibration leaves is gone on from.
  [[ $1 != calibrate && $1 != resume || $code == 0 ]] || { ok "${words[@]}" && whole out/q.onnx || fail "the state is of no use"; }
}

table=${NQ_FAULT_TABLE:-/dev/null}
printf '| command | call | calls | tried | refused | without harm |\n|---|---|---|---|---|---|\n' >"$table"
for name in calibrate resume quantize fit eval; do
  declare -n command=$name
  prepare "$name"
  rm -rf "want_$name"
  env LD_PRELOAD="$NQ_FAULT_LIBRARY" NQ_FAULT_COUNT=counts "$NQCLI" "${command[@]}" >../.log/stdout 2>../.log/stderr || fail "$name fails undisturbed"
  want=want_$name
  cp -r out "$want"
  while read -r kind calls; do
    ((calls > 0)) || continue
    step=1 tried=0 refused=0 unharmed=0
    ((points == 0 || calls <= points)) || step=$(((calls + points - 1) / points))
    for ((n = 1; n <= calls; n += step)); do
      point "$name" "$kind" "$n"
      tried=$((tried + 1))
    done
    printf '| %s | %s | %d | %d | %d | %d |\n' "$name" "$kind" "$calls" "$tried" "$refused" "$unharmed" | tee -a "$table"
  done <counts
done
