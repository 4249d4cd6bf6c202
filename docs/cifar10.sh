#!/usr/bin/env bash
# The figures of README's "On photos": SAINT and its rivals in the embedded classifier, on CIFAR-10's test pictures: docs/cifar10.csv,
# docs/cifar10-pareto.png; the same over fewer of them for their times: docs/cifar10-timed.csv, docs/cifar10-throughput.png. It can be stopped and started again; finished answers are kept.
#   docs/cifar10.sh FOLDER [MODEL]      FOLDER holds one folder of pictures per class (airplane ... truck); default model: cifar10-vit
# LIMIT=N takes N pictures instead of 2000, TIMED=N instead of 400, OUT=DIR another folder for the results, SAINT=PROGRAM runs another build. All
# configurations see a picture before the next one comes, so that what else the machine does slows all of them alike.
set -euo pipefail
pictures=$(realpath -- "${1:?a folder with one folder of pictures per class}") model=${2:-cifar10-vit}
cd "$(dirname "$0")/.."
saint=${SAINT:-build/release/app/saint}
out=${OUT:-docs}
[ -x "$saint" ] || { echo "$saint: not built; run ./run.sh once" >&2; exit 2; }
work=build/cifar10-figure${LIMIT:+-$LIMIT}
mkdir -p "$work" "$out"

# SAINT's vote in the first half of the layers, as published (K 5, gamma 10), with other K, and in one layer only; then everything that is told how many to keep, after
# the second layer: SAINT's iterative drop and the rivals. Random dropping with the same number of tokens, picture by picture, comes with every one.
{
    sep=
    trial() { printf '%s    {%s}' "$sep" "$1"; sep=$',\n'; }
    printf '{"name": "cifar10", "method": "list", "trials": [\n'
    for at in 0.50 0.60 0.65 0.70 0.75 0.80 0.85 0.90; do trial "\"preset\": \"vit-classifier\", \"sim_threshold\": $at"; done
    for k in 1 2 10 20; do trial "\"preset\": \"vit-classifier\", \"sim_threshold\": 0.75, \"K\": $k"; done
    for layer in 1 3; do
        for at in 0.60 0.75; do trial "\"mode\": \"vit\", \"prune_mode[$layer]\": \"saint_drop\", \"sim_threshold\": $at"; done
    done
    for method in iterative_drop_full_graph tome evit grid; do
        for keep in 50 74 99 124 148; do
            [ "$method" = tome ] && [ "$keep" -lt 99 ] && continue # it merges half at most
            trial "\"mode\": \"vit\", \"prune_mode[1]\": \"$method\", \"keep_num\": $keep"
        done
    done
    printf '\n]}\n'
} >"$work/spec.json"

trials=("$work/spec.json" --model "$model" --data "imagefolder:$pictures" --jobs 1)
"$saint" sweep "${trials[@]}" --limit "${LIMIT:-2000}" --out "$work/sweep"
"$saint" export "$work/sweep" --format csv -o "$out/cifar10.csv"
"$saint" plot "$work/sweep" --kind pareto -o "$out/cifar10-pareto.png"
# Times need fewer pictures and an idle device: one thread, which waits for no other.
"$saint" sweep "${trials[@]}" --limit "${TIMED:-400}" --threads 1 --out "$work/timed"
"$saint" export "$work/timed" --format csv -o "$out/cifar10-timed.csv"
"$saint" plot "$work/timed" --kind pareto --x throughput_sps -o "$out/cifar10-throughput.png"
