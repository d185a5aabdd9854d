#!/usr/bin/env bash
# graphs.sh RUNNER FOLDER: the shared exports of vision transformers give PyTorch's outputs.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/shared.sh"
need_shared data/graphs
exec "$1" "$NQ_SHARED/data/graphs" --rtol 1e-4 --atol 1e-5
