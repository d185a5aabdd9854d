# make_layouts SOURCE SYNSET OUT [COUNT]: the same images under every layout that people have.
#
# SOURCE holds images and labels.txt with lines "name index"; SYNSET has the WordNet id of class i in line i.
# Written below OUT, with links to the images:
#   folders/           one folder per class, named by its WordNet id
#   flat/              ILSVRC2012_val_00000001.JPEG, ...
#   ids.txt, map.txt   1-based ids per line, and lines "id wnid" (another order than the classes', as ILSVRC2012's)
#   zero_based.txt     class index per line
#   names.txt          lines "ILSVRC2012_val_00000001.JPEG index"
#   solution.csv       ImageId,PredictionString with WordNet ids and boxes
#   labels.csv         filename,label
# shellcheck shell=bash
make_layouts() {
  local source synset=$2 out=$3 count=${4:-0}
  source=$(cd "$1" && pwd)
  mkdir -p "$out/flat"
  # An order of the ids that is no simple shift: 617 and 1000 have no common divisor.
  awk '{ printf "%d %s\n", (NR * 617) % 1000 + 1, $1 }' "$synset" >"$out/map.txt"
  echo "ImageId,PredictionString" >"$out/solution.csv"
  echo "filename,label" >"$out/labels.csv"
  : >"$out/ids.txt"
  : >"$out/zero_based.txt"
  : >"$out/names.txt"
  local number=0 name index wnid file
  while read -r name index; do
    number=$((number + 1))
    ((count > 0 && number > count)) && break
    wnid=$(sed -n "$((index + 1))s/ .*//p" "$synset")
    file=$(printf 'ILSVRC2012_val_%08d' "$number")
    mkdir -p "$out/folders/$wnid"
    ln -s "$source/$name" "$out/folders/$wnid/$file.JPEG"
    ln -s "$source/$name" "$out/flat/$file.JPEG"
    echo "$index" >>"$out/zero_based.txt"
    echo "$(((index + 1) * 617 % 1000 + 1))" >>"$out/ids.txt"
    echo "$file.JPEG $index" >>"$out/names.txt"
    echo "$file,$wnid 85 1 499 272 $wnid 1 2 3 4" >>"$out/solution.csv"
    echo "\"$file.JPEG\",$index" >>"$out/labels.csv"
  done < <(grep -v '^#' "$source/labels.txt")
}
