#!/usr/bin/env bash
# The screenshots of README, drawn by the program itself from its own cells: docs/inspect.png, docs/compare.png, docs/speed.png.
#   docs/screens.sh [MODEL [KIND:PATH]]     default: the embedded model on its own test pictures
# SAMPLE=UID shows another picture, SAINT=PROGRAM runs another build. Leave the machine alone meanwhile: speed.png holds measured times.
set -euo pipefail
cd "$(dirname "$0")/.."
saint=${SAINT:-build/release/app/saint}
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

perform hybrid <<LINES
focus picture
patch $patch
wait idle
screen docs/inspect.png
LINES

perform vit-only <<LINES
pin
method random
wait idle
page a/b
diff on
wait idle
screen docs/compare.png
LINES

perform hybrid <<LINES
page speed
measure
wait idle
screen docs/speed.png
LINES
ls -l docs/inspect.png docs/compare.png docs/speed.png
