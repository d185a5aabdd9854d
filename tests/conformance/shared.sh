# Sourced by the conformance tests: need_shared PATH prints the reason and skips when it is absent.
need_shared() {
  [[ -n ${NQ_SHARED:-} && -e $NQ_SHARED/$1 ]] && return
  echo "shared test data absent: $1 (set NQ_SHARED)"
  [[ ${NQ_REQUIRE_SHARED:-0} == 1 ]] && exit 1
  exit 77
}
