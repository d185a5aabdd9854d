# Functions of the scripted sessions; sourced by sessions/*.sh.
#
# A session runs in an empty folder of its own, which is removed when it ends. `run` executes nqcli and
# keeps what it printed; the expect_* functions compare, and end the session at the first difference.
# shellcheck shell=bash
set -euo pipefail

: "${NQCLI:?path of nqcli}" "${NQ_FIXTURES:?path of nq_cli_fixtures}" "${NQ_SOURCE:?source folder}"
# Sessions see no colours, whatever starts them.
export TERM=dumb

scratch=$(mktemp -d)
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
cd "$scratch"
mkdir work .log
cd work

fail() {
  echo "FAILED: $*"
  if [[ -e ../.log/command ]]; then
    echo "--- last command: $(cat ../.log/command)"
    echo "--- exit code: $(cat ../.log/code 2>/dev/null || echo none)"
    echo "--- stdout"
    head -n 40 ../.log/stdout
    echo "--- stderr"
    head -n 40 ../.log/stderr
  fi
  exit 1
}

skip() {
  echo "SKIPPED: $*"
  exit 77
}

# not_sanitized REASON: skips what a sanitizer cannot run.
not_sanitized() {
  [[ -z ${NQ_SANITIZE:-} ]] || skip "built with -fsanitize=$NQ_SANITIZE: $*"
}

# run ARG...: runs nqcli.
run() {
  echo "nqcli $*" >../.log/command
  local code=0
  "$NQCLI" "$@" >../.log/stdout 2>../.log/stderr </dev/null || code=$?
  echo "$code" >../.log/code
}

expect_exit() {
  [[ $(cat ../.log/code) == "$1" ]] || fail "expected exit code $1"
}

# expect_stderr TEXT...: stderr contains every text.
expect_stderr() {
  local text
  for text in "$@"; do grep -qF -- "$text" ../.log/stderr || fail "stderr lacks: $text"; done
}

expect_stdout() {
  local text
  for text in "$@"; do grep -qF -- "$text" ../.log/stdout || fail "stdout lacks: $text"; done
}

expect_no_stdout() {
  [[ ! -s ../.log/stdout ]] || fail "stdout is not empty"
}

# ok ARG...: runs nqcli and expects success.
ok() {
  run "$@"
  expect_exit 0
}

# state: every file below the folder with its digest, for comparison.
state() {
  find . \( -type f -o -type d \) -print0 | sort -z | while IFS= read -r -d '' path; do
    if [[ -f $path ]]; then sha256sum "$path"; else echo "folder $path"; fi
  done
}

# refuse CODE TEXT... -- ARG...: nqcli ends with CODE, names every TEXT in one error line, prints nothing on
# stdout, and leaves every file as it was.
refuse() {
  local code=$1 before texts=()
  shift
  while [[ $1 != -- ]]; do
    texts+=("$1")
    shift
  done
  shift
  before=$(state)
  run "$@"
  expect_exit "$code"
  expect_no_stdout
  [[ $(grep -c '^error\[' ../.log/stderr) == 1 ]] || fail "expected exactly one error line"
  [[ ${#texts[@]} == 0 ]] || expect_stderr "${texts[@]}"
  [[ $(state) == "$before" ]] || fail "files were written or changed"
}

# json_has KEY...: stdout is one JSON document with the keys, as nqcli indents them.
json_has() {
  [[ $(head -c 1 ../.log/stdout) == "{" && $(tail -c 2 ../.log/stdout) == "}" ]] || fail "stdout is no JSON document"
  [[ $(grep -c '^{' ../.log/stdout) == 1 ]] || fail "stdout holds more than one document"
  expect_stdout '"schema": 1' "\"command\": \"$(cut -d ' ' -f 2 ../.log/command)\""
  local key
  for key in "$@"; do grep -qE "^ *\"$key\": " ../.log/stdout || fail "no key $key"; done
}

# json_value KEY: the first value under KEY.
json_value() {
  sed -n -E "s/^ *\"$1\": (.*[^,]),?\$/\1/p" ../.log/stdout | head -n 1
}

# fixture NAME FILE: writes a model or image.
fixture() {
  "$NQ_FIXTURES" "$1" "$2" || fail "fixture $1"
}

# image_folder DIR COUNT: COUNT small images in two class folders.
image_folder() {
  local index
  mkdir -p "$1/a" "$1/b"
  for ((index = 0; index < $2; ++index)); do
    fixture "image:$index" "$1/$( ((index % 2)) && echo b || echo a)/image_$index.bmp"
  done
}
