#!/usr/bin/env bash
# run_gpu.sh scenes|cifar MINUTES [UNTIL] [further options of the trainer]
#
# Trains for MINUTES (up to progress UNTIL, default 1), scores, exports, and leaves everything in $OUT (default out/train) as
# results.tar.00, .01, ... of 15 MB each, and log.txt. Call again with the same $STATE (default build/train) to continue.
#   PYTHON  an interpreter with torch, timm, transformers      PACK  folder of pack.sh (default build/pack)
# Get the results: cat results.tar.* | tar xf -
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${1:?scenes or cifar} minutes=${2:?minutes} until=${3:-1}
shift $(($# < 3 ? $# : 3))
OUT=${OUT:-out/train} STATE=${STATE:-build/train} PACK=${PACK:-build/pack} PYTHON=${PYTHON:-python3}
mkdir -p "$OUT" "$STATE/results"
export PYTHONUNBUFFERED=1 OMP_NUM_THREADS=${OMP_NUM_THREADS:-4} TOKENIZERS_PARALLELISM=false

SAINT=${SAINT:-}
for candidate in build/release/app/saint "$PACK/saint"; do
    [ -n "$SAINT" ] && break
    [ -x "$candidate" ] || continue
    LD_LIBRARY_PATH="$PACK${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$candidate" data scenes --stream --size 56 --grid 1 --count 1 >/dev/null 2>&1 && SAINT=$candidate
done
if [ -z "$SAINT" ]; then
    cmake --preset release -DSAINT_TESTS=OFF >/dev/null && cmake --build --preset release --target saint >/dev/null
    SAINT=build/release/app/saint
fi
export LD_LIBRARY_PATH="$PACK${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

leave() { # whatever there is by now, also when something failed
    tar cf - -C "$STATE" results | split -b 15m -d - "$OUT/results.tar."
    ls -l "$OUT"
}
trap leave EXIT

scenes() {
    "$PYTHON" models/train/train_vlm.py --saint "$SAINT" --out "$STATE/vlm" --minutes "$minutes" --until "$until" "$@"
    "$PYTHON" models/train/export.py --saint "$SAINT" --checkpoint "$STATE/vlm/checkpoint.pt" --out "$STATE/results/scenes-vlm" --check 0
    cp "$STATE/vlm/curve.csv" "$STATE/results/scenes-curve.csv"
    [ -f "$STATE/vlm/speed.json" ] && cp "$STATE/vlm/speed.json" "$STATE/results/"
    local last=--no-baselines
    [ "$until" = 1 ] && last=
    "$PYTHON" models/train/evaluate.py --saint "$SAINT" --model "$STATE/results/scenes-vlm" --split validation --json "$STATE/results/scenes-validation.json" --no-baselines
    "$PYTHON" models/train/evaluate.py --saint "$SAINT" --model "$STATE/results/scenes-vlm" --split test --json "$STATE/results/scenes-test.json" $last
}

cifar() {
    local data=${CIFAR:-$PACK}
    "$PYTHON" models/train/train_cifar.py train --data "$data" --out "$STATE/cifar" --minutes "$minutes" --until "$until" "$@"
    "$PYTHON" models/train/train_cifar.py export --data "$data" --out "$STATE/cifar" --folder "$STATE/results/cifar10-vit" --saint "$SAINT" --check "${CHECK:-0}"
    cp "$STATE/cifar/curve.csv" "$STATE/results/cifar-curve.csv"
    cp "$STATE/cifar/score.json" "$STATE/results/cifar-test.json"
}

case $target in
    scenes | cifar) { nvidia-smi -L 2>/dev/null || true; nproc; "$target" "$@"; } 2>&1 | tee -a "$OUT/log.txt" ;;
    *) echo "run_gpu.sh: $target: expected scenes or cifar" >&2; exit 2 ;;
esac
