#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/.."
for seed in 1 2; do
  python train.py --seed $seed 2>&1 | tee log_$seed.txt
done
rm -rf build/ dist/
