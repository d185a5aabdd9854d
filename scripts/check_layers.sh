#!/usr/bin/env bash
# Checks the layering of docs/architecture.md: what each folder may include, which third-party headers it
# may use, and that the library neither prints nor ends the process. Prints every violation.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Layers that a layer may include besides itself.
declare -A sees=(
  [core]=""
  [kernels]="core"
  [graph]="core"
  [data]="core"
  [onnx]="core graph"
  [ops]="core graph kernels"
  [exec]="core graph ops"
  [quant]="core graph kernels"
  [pipeline]="core kernels graph data onnx ops exec quant"
  [report]="core data pipeline"
)

# Layer that owns each public header include/nq/<name>.hpp.
declare -A owner
own() {
  local layer=$1 header
  shift
  for header in "$@"; do owner[$header]=$layer; done
}
own core error exact_sum histogram number_text interrupt log output_file progress tensor threads types
own graph attention_site graph linear_site typed_graph
own data batch_loader class_view image image_folder preprocess
own onnx model_file onnx_limits tensor_file
own ops op
own exec executor
own quant method quant_params
own pipeline bench calibrate compare diff eval_state evaluation_record evaluate gates image_input inspect overhead preprocess_guard quantize recipe report run_model verify version
own report report_page plot

# Third-party headers, as extended regular expressions, and the layers that may include them.
declare -A third_party=(
  ['Eigen/']="kernels quant"
  ['(onnx|google)/']="onnx"
  ['stb_']="data"
  ['omp\.h']="core"
  ['nlohmann/']="data pipeline report"
  ['cairo\.h']="report"
  ['fmt/']="core kernels graph data onnx ops exec quant pipeline report"
  ['(spdlog|CLI)/']=""
)

violations=0
report() {
  echo "check_layers: $1"
  violations=$((violations + 1))
}

contains() { [[ " $1 " == *" $2 "* ]]; }

may_see() { [[ $1 == "$2" ]] || contains "${sees[$1]}" "$2"; }

# check_include FILE LAYER HEADER
check_include() {
  local file=$1 layer=$2 header=$3 target pattern
  if [[ $header == nq/* ]]; then
    header=${header#nq/}
    target=${owner[${header%.hpp}]:-}
    if [[ -z $target ]]; then
      report "$file includes nq/$header, which no layer owns in scripts/check_layers.sh"
    elif ! may_see "$layer" "$target"; then
      report "$file ($layer) includes nq/$header ($target)"
    fi
    return
  fi
  target=${header%%/*}
  if [[ $header == */* && -n ${sees[$target]+known} ]]; then
    # onnx/ names both our folder and the library's: ours is what lies in src/.
    if [[ -e src/$header ]]; then
      may_see "$layer" "$target" || report "$file ($layer) includes $header ($target)"
      return
    fi
  fi
  for pattern in "${!third_party[@]}"; do
    if [[ $header =~ ^$pattern ]] && ! contains "${third_party[$pattern]}" "$layer"; then
      report "$file ($layer) may not include $header"
    fi
  done
}

# each_include FILE...: lines "FILE HEADER".
each_include() {
  grep -H -E '^ *# *include' "$@" | sed -E 's/^([^:]+):[^<"]*[<"]([^>"]+)[>"].*/\1 \2/'
}

while read -r file header; do
  layer=${file#src/}
  check_include "$file" "${layer%%/*}" "$header"
done < <(each_include src/*/*.hpp src/*/*.cpp src/*/*/*.hpp src/*/*/*.cpp)

# Public headers show no third-party type and nothing private.
while read -r file header; do
  name=$(basename "$file" .hpp)
  layer=${owner[$name]:-}
  if [[ -z $layer ]]; then
    report "$file has no layer in scripts/check_layers.sh"
  elif [[ $header == */* && $header != nq/* ]]; then
    report "public header $file includes $header"
  else
    check_include "$file" "$layer" "$header"
  fi
done < <(each_include include/nq/*.hpp)

# The command line uses public headers only.
while read -r file header; do
  layer=${header%%/*}
  if [[ $header == */* && -n ${sees[$layer]+known} && -e src/$header ]]; then
    report "$file includes the private $header"
  fi
done < <(each_include tools/nqcli/*.?pp tools/nqcli/*/*.?pp)

# The library reports through exceptions, LogSink and Progress alone.
forbidden='\b(printf|fprintf|puts|fputs|putchar|perror|abort|exit|_exit|quick_exit|terminate)\s*\(|std::(cout|cerr|clog)\b|\b(stdout|stderr)\b'
while IFS= read -r line; do
  report "prints or ends the process: $line"
done < <(grep -rnE --include='*.cpp' --include='*.hpp' "$forbidden" src include | grep -vE '^[^:]+:[0-9]+: *(//|///)' || true)

if ((violations > 0)); then
  echo "check_layers: $violations violations"
  exit 1
fi
echo "check_layers: ok"
