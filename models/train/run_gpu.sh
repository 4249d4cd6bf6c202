#!/usr/bin/env bash
# run_gpu.sh parts|scenes|cifar MINUTES [UNTIL] [further options of the trainer]
#
# parts: the plan in parts; UNTIL is its stage, 1 (vision tower and language model apart), 2 (the language model sees what the tower makes of pictures) or
# 3 (everything together, then scores). scenes: everything together from the first step (train_vlm.py).
# Trains for MINUTES (up to progress UNTIL, default 1), scores, exports, and leaves everything in $OUT (default out/train) as
# results.tar.00, .01, ... of 15 MB each, and log.txt. Call again with the same $STATE (default build/train) to continue.
#   MODEL, BATCH, COUNT  of parts: the network (default full), records per step (64), pictures per task to score (143)
#   PYTHON  an interpreter with torch, timm, transformers      PACK  folder of pack.sh (default build/pack)
# Get the results: cat results.tar.* | tar xf -
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${1:?parts, scenes or cifar} minutes=${2:?minutes} until=${3:-1}
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

parts() {
    local sight=() words=() end last=0 score=--no-baselines
    end=$(awk -v m="$minutes" -v now="$(date +%s)" 'BEGIN {printf "%d", now + 60 * m}')
    local common=(--library "$PACK/libscenes.so" --minutes 600 --cool 0.0001 --until "$end" --model "${MODEL:-full}")
    local half=$((($(nproc) - 2) / 2))
    half=$((half > 0 ? half : 1))
    case $until in
        1) words=(--out "$STATE/words" --batch "${BATCH:-64}" --workers "$half") sight=(--out "$STATE/sight" --batch $((${BATCH:-64} * 4)) --workers "$half") ;;
        2) words=(--out "$STATE/words" --batch "${BATCH:-64}" --workers "$half" --sight "$STATE/sight" --keep 576 --check 60)
           sight=(--out "$STATE/sight" --batch $((${BATCH:-64} * 4)) --workers "$half" --whole 0.3) ;;
        3) words=(--out "$STATE/whole" --batch "${BATCH:-64}" --workers $((2 * half)) --whole "$STATE/sight,$STATE/words" --keep 576)
           last=$(awk -v m="$minutes" 'BEGIN {printf "%d", 42 * m}') score= ;;
        *) echo "run_gpu.sh parts: stage $until: expected 1, 2 or 3" >&2; return 2 ;;
    esac
    if [ ${#sight[@]} -gt 0 ]; then
        "$PYTHON" models/train/train_sight.py "${common[@]}" "${sight[@]}" &
        local tower=$!
    fi
    "$PYTHON" models/train/train_words.py "${common[@]}" --last "$last" "${words[@]}" "$@"
    [ ${#sight[@]} -eq 0 ] || wait "$tower"
    for part in sight words whole; do
        [ -f "$STATE/$part/curve.csv" ] && cp "$STATE/$part/curve.csv" "$STATE/results/scenes-$part-curve.csv"
    done
    cp "${words[1]}/checkpoint.pt" "$STATE/results/${words[1]##*/}.pt"   # what a lost machine's successor begins with
    [ "$until" = 3 ] || cp "$STATE/sight/checkpoint.pt" "$STATE/results/sight.pt"
    if [ "$until" = 3 ]; then set -- --words "$STATE/whole"; else set -- --sight "$STATE/sight" --words "$STATE/words"; fi
    "$PYTHON" models/train/assemble.py "$@" --out "$STATE/checkpoint.pt"
    "$PYTHON" models/train/export.py --saint "$SAINT" --checkpoint "$STATE/checkpoint.pt" --out "$STATE/results/scenes-vlm" --check 0
    "$PYTHON" models/train/evaluate.py --saint "$SAINT" --model "$STATE/results/scenes-vlm" --split validation --json "$STATE/results/scenes-validation.json" --no-baselines ${COUNT:+--count "$COUNT"}
    [ "$until" != 3 ] || "$PYTHON" models/train/evaluate.py --saint "$SAINT" --model "$STATE/results/scenes-vlm" --split test --json "$STATE/results/scenes-test.json" $score ${COUNT:+--count "$COUNT"}
}

cifar() {
    local data=${CIFAR:-$PACK}
    "$PYTHON" models/train/train_cifar.py train --data "$data" --out "$STATE/cifar" --minutes "$minutes" --until "$until" "$@"
    "$PYTHON" models/train/train_cifar.py export --data "$data" --out "$STATE/cifar" --folder "$STATE/results/cifar10-vit" --saint "$SAINT" --check "${CHECK:-0}"
    cp "$STATE/cifar/curve.csv" "$STATE/results/cifar-curve.csv"
    cp "$STATE/cifar/score.json" "$STATE/results/cifar-test.json"
}

case $target in
    parts | scenes | cifar) { nvidia-smi -L 2>/dev/null || true; nproc; "$target" "$@"; } 2>&1 | tee -a "$OUT/log.txt" ;;
    *) echo "run_gpu.sh: $target: expected parts, scenes or cifar" >&2; exit 2 ;;
esac
