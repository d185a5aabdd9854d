#!/usr/bin/env bash
# Help and version go to stdout; the texts are golden files.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"

golden=$NQ_SOURCE/tests/golden/cli

# check_golden NAME: stdout equals tests/golden/cli/NAME; NQ_UPDATE_GOLDEN=1 rewrites it.
check_golden() {
  if [[ ${NQ_UPDATE_GOLDEN:-0} == 1 ]]; then
    mkdir -p "$golden"
    cp ../.log/stdout "$golden/$1"
  fi
  diff -u "$golden/$1" ../.log/stdout || fail "help differs from tests/golden/cli/$1 (NQ_UPDATE_GOLDEN=1 rewrites it)"
}

ok --help
check_golden help.txt
for command in inspect calibrate quantize stats eval compare merge verify diff replay run bench report plot; do
  ok "$command" --help
  check_golden "$command.txt"
  ok "$command" -h
  check_golden "$command.txt"
done

ok --version
grep -qE '^nqcli [0-9]+\.[0-9]+\.[0-9]+$' ../.log/stdout || fail "version line"

# Help that nobody can read is a failure, not a success.
run --help >/dev/null
"$NQCLI" --help >/dev/full 2>../.log/stderr && fail "a full device was not noticed"
expect_stderr "cannot write to standard output"
