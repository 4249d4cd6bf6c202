#!/usr/bin/env bash
# The figure of README's "What it says": 40 configurations of SAINT and as many of random dropping with the same token counts, on Scenes
# questions that the model never saw: docs/pareto.csv, docs/pareto.png. It can be stopped and started again; finished answers are kept.
#   docs/sweep.sh [MODEL]      default: the embedded model
# LIMIT=N takes N questions instead of 200, OUT=DIR another folder for the results, SAINT=PROGRAM runs another build.
set -euo pipefail
cd "$(dirname "$0")/.."
saint=${SAINT:-build/release/app/saint}
out=${OUT:-docs}
[ -x "$saint" ] || { echo "$saint: not built; run ./run.sh once" >&2; exit 2; }
given=()
[ $# -ge 1 ] && given+=(--model "$1")
work=build/sweep-figure${LIMIT:+-$LIMIT}
mkdir -p "$work" "$out"

# One knob in each of the one-sided modes (10 + 10), both in the hybrid one (5 x 4).
{
    sep=
    trial() { printf '%s    {%s}' "$sep" "$1"; sep=$',\n'; }
    printf '{"name": "pareto", "method": "list", "trials": [\n'
    for keep in 48 96 144 192 240 288 336 376 432 504; do trial "\"preset\": \"vit-only\", \"keep_num\": $keep"; done
    for at in 0.50 0.60 0.65 0.70 0.75 0.80 0.83 0.87 0.91 0.95; do trial "\"preset\": \"llm-only\", \"saint_threshold\": $at"; done
    for keep in 96 192 288 376 432; do
        for at in 0.60 0.70 0.83 0.91; do trial "\"preset\": \"hybrid\", \"keep_num\": $keep, \"saint_threshold\": $at"; done
    done
    printf '\n]}\n'
} >"$work/spec.json"

"$saint" sweep "$work/spec.json" "${given[@]}" --limit "${LIMIT:-200}" --jobs 1 --out "$work/sweep"
"$saint" export "$work/sweep" --format csv -o "$out/pareto.csv"
"$saint" plot "$work/sweep" --kind pareto -o "$out/pareto.png"
