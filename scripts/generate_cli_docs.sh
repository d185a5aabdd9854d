#!/usr/bin/env bash
# Writes docs/cli.md from the help texts of nqcli.
#
#   scripts/generate_cli_docs.sh [--check] [NQCLI]
#
# --check compares instead of writing, and fails when the file is out of date.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

check=0
if [[ ${1:-} == --check ]]; then
  check=1
  shift
fi
nqcli=${1:-$root/build/release/tools/nqcli/nqcli}
target=$root/docs/cli.md

generate() {
  cat "$root/scripts/cli_contract.md"
  local command
  for command in "" inspect calibrate quantize stats eval compare merge verify diff replay run bench report plot; do
    printf '\n## nqcli%s\n\n```\n' "${command:+ $command}"
    "$nqcli" ${command:+"$command"} --help
    printf '```\n'
  done
}

if ((check)); then
  if ! diff -u "$target" <(generate); then
    echo "docs/cli.md is out of date: run scripts/generate_cli_docs.sh" >&2
    exit 1
  fi
else
  generate >"$target.new"
  mv "$target.new" "$target"
fi
