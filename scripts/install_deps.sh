#!/usr/bin/env bash
# Installs the Debian packages that nqcli is built from; what is there already is left alone.
#
#   scripts/install_deps.sh            what the build needs
#   scripts/install_deps.sh --tests    and Python, for the tests that compare with other runtimes
#   scripts/install_deps.sh --browser  and Chromium besides, for the tests of the report's page
#   scripts/install_deps.sh --fuzz     and clang with its runtimes, for the presets fuzz and tsan
set -euo pipefail

packages=(
  g++ cmake ninja-build ccache pkg-config
  libonnx-dev libprotobuf-dev protobuf-compiler
  libeigen3-dev libcli11-dev libspdlog-dev libfmt-dev libssl-dev libstb-dev nlohmann-json3-dev catch2
  libcairo2-dev libjs-chart.js fonts-dejavu-core
)

case "${1:-}" in
  "") ;;
  --tests) packages+=(python3 python3-venv) ;;
  --browser) packages+=(python3 python3-venv chromium) ;;
  --fuzz) packages+=(clang-16 libclang-rt-16-dev libomp-16-dev llvm-16) ;;
  *)
    echo "usage: $0 [--tests|--browser|--fuzz]" >&2
    exit 2
    ;;
esac

is_installed() {
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

missing=()
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done

if ((${#missing[@]} == 0)); then
  echo "install_deps: every package is installed"
  exit 0
fi
echo "install_deps: installing ${missing[*]}"

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "install_deps: not root, and there is no sudo. Run as root:" >&2
    echo "  apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}"
