#!/usr/bin/env bash
# The screenshots of README, rendered from the cells of a terminal emulator that the program runs in: docs/inspect.png, docs/compare.png, docs/speed.png.
#   docs/screens.sh [MODEL [KIND:PATH]]     default: the embedded model on its own test pictures
# SAMPLE=UID shows another picture. Leave the machine alone meanwhile: speed.png holds measured times.
set -euo pipefail
cd "$(dirname "$0")/.."
saint=build/release/app/saint
sample=${SAMPLE:-relation/0002.png#0}
[ -x "$saint" ] || { echo "$saint: not built; run ./run.sh once" >&2; exit 2; }
given=()
[ $# -ge 1 ] && given+=(--model "$1")
[ $# -ge 2 ] && given+=(--data "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# perform PRESET: the lines of stdin behind the common beginning. Layers are found by `site`, so that any depth of model will do.
perform() {
    { printf 'size 120x36\nwait idle\nsample %s\nset keep_num=192\nwait idle\nlayer first\nsite +1\n' "$sample"; cat; echo quit; } >"$work/script"
    "$saint" "${given[@]}" --preset "$1" --theme dark --script "$work/script"
}

# A patch that the vision tower drops: the first of these that has no right to live.
patches="12,18 20,20 8,20 14,2 22,3 12,9 2,10 20,12 4,4 16,22"
for p in $patches; do printf 'patch %s\nwait idle\nscreen %s/%s.txt\n' "$p" "$work" "$p"; done | perform hybrid
patch=12,18
for p in $patches; do
    if grep -q "#[0-9]* dropped after ViT" "$work/$p.txt"; then patch=$p; break; fi
done

# The pictures themselves: what the emulator of a terminal shows (tests/tools/wb_shot.c), driven by keys.
shot=build/release/tests/wb_shot
[ -x "$shot" ] || { echo "$shot: not built; cmake --build --preset release" >&2; exit 2; }
# The emulator's program has a home of its own, without the test pictures that the lines above have made.
[ $# -ge 2 ] || given+=(--data "scenes:$(ls -d "${XDG_CACHE_HOME:-$HOME/.cache}"/saint-workbench/scenes-test-*[0-9] | tail -1)")
common=(":sample $sample\r" "until:${sample%%.*}" ":set keep_num=192\r" "until:answer in" ":layer first\r" ":site +1\r")
"$shot" docs/inspect.png 120x36 direct "answer in" "${common[@]}" ":focus picture\r" ":patch $patch\r" -- "${given[@]}" --preset hybrid --theme dark
"$shot" docs/compare.png 120x36 direct "answer in" "${common[@]}" ":pin\r" ":method random\r" "until:random" ":page a/b\r" ":diff on\r" -- \
    "${given[@]}" --preset vit-only --theme dark
"$shot" docs/speed.png 120x36 direct "answer in" "${common[@]}" ":page speed\r" "m" "until:before the first token, 95" -- "${given[@]}" --preset hybrid --theme dark
ls -l docs/inspect.png docs/compare.png docs/speed.png
