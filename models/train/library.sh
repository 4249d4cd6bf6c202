#!/bin/sh
# library.sh OUT.so - the generator of datasets/scenes as a library that world.py calls. Pictures are the same as the program's: no fused products (see scenes.h).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$(dirname "$1")"
cd "$root/datasets/scenes"
"${CC:-cc}" -std=c17 -D_GNU_SOURCE -O3 -march=x86-64-v3 -ffp-contract=off -shared -fPIC -I"$root/engine" -I"$root/datasets" \
    plan.c words.c shapes.c draw.c background.c font.c questions.c "$root/engine/base/status.c" -o "$1.new"
mv "$1.new" "$1"
