#!/usr/bin/env bash
# The same images in every label layout give the same counts; heads with other numbers of outputs are understood.
source "$(dirname "${BASH_SOURCE[0]}")/../session.sh"
source "$NQ_SOURCE/tests/cli/label_layouts.sh"

if [[ -z ${NQ_SHARED:-} || ! -d $NQ_SHARED/data ]]; then
  [[ ${NQ_REQUIRE_SHARED:-0} != 1 ]] || fail "shared test data absent (set NQ_SHARED)"
  skip "shared test data absent (set NQ_SHARED)"
fi
data=$NQ_SHARED/data
synset=$data/images/synset_words.txt
# NQ_LAYOUT_IMAGES=0 takes all images, the whole of eval and val650.
count=${NQ_LAYOUT_IMAGES:-6}

# counts_of ARG...: labelled images and the right ones of an evaluation.
counts_of() {
  ok eval "$data/vit_tiny/model.onnx" --preprocess inception --json -q "$@"
  grep -E '"(images|labelled|top1|top1_correct|top5)":' ../.log/stdout
}

for folder in eval val650; do
  make_layouts "$data/images/$folder" "$synset" "$folder" "$count"
  counts_of --images "$folder/flat" --labels "$folder/names.txt" >../.log/expected
  [[ $(json_value top1_correct) -gt 0 ]] || fail "nothing is right in $folder"
  echo "$folder: $(json_value top1_correct) of $(json_value labelled) in every layout"
  same() { counts_of "$@" | diff ../.log/expected - || fail "$folder: another top-1 with $*"; }
  same --images "$folder/folders" --synset "$synset"
  same --images "$folder/flat" --labels "$folder/zero_based.txt"
  same --images "$folder/flat" --labels "$folder/ids.txt" --label-map "$folder/map.txt" --synset "$synset"
  same --images "$folder/flat" --labels "$folder/solution.csv" --synset "$synset"
  same --images "$folder/flat" --labels "$folder/labels.csv"
done
