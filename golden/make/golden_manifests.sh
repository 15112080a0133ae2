#!/usr/bin/env bash
# Writes golden.json into every folder of expected tensors beside it. Needs Python with safetensors and numpy.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
by="transformers 5.18.0, torch 2.13.0, float32 on a CPU, eager attention"
experts=("**.gate.experts" 0 "an expert is chosen or not")
for folder in golden/transformers/*/; do
  case $folder in
    *-yarn/ | *-linear/) again="python golden/make/make_golden.py OUT --seed 12 --suite golden/make/rope_suite.py" ;;
    *-odd/) again="python golden/make/make_golden.py OUT --seed 14 --suite golden/make/odd_suite.py" ;;
    *-stored-head/) again="python golden/make/make_golden_head.py golden/transformers/dense-linear OUT --seed 13" ;;
    *) again="python golden/make/make_golden.py OUT --seed 11" ;;
  esac
  "$python" golden/make/golden_manifest.py "$folder" --model . --by "$by" \
    --again "$again" \
    --tolerance "${experts[@]}" \
    --tolerance "**" 4e-5 "transformers itself differs by 1e-5 between one pass and token by token, and a float64 forward pass from its float32 by up to 1.8e-5"
done
for folder in golden/gguf golden/gguf-dense golden/gguf-odd; do
  "$python" golden/make/golden_manifest.py "$folder" --model-per-file --by "$by, on the dequantized weights" \
    --again "see README.md: python golden/make/make_golden_gguf.py" \
    --tolerance "**" 5e-5 "float32 sums of 256 to 512 terms in another order, through four or five layers"
done
