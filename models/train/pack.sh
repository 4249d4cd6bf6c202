#!/usr/bin/env bash
# pack.sh [FOLDER] - what a training machine without a network needs besides the working tree: the program with its libraries, CIFAR-10's archives.
# Default folder: build/pack in the tree (ignored by git; run_gpu.sh looks there).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
to=${1:-$root/build/pack}
cifar=${CIFAR:-$root/../shared/data/cifar10}
saint=${SAINT:-$root/build/release/app/saint}
[ -x "$saint" ] || { echo "$saint: missing; build it first: cmake --preset release && cmake --build --preset release --target saint" >&2; exit 2; }
mkdir -p "$to"
cp "$saint" "$to/saint"
strip "$to/saint" 2>/dev/null || true
ldd "$saint" | awk '/cjson/ {print $3}' | while read -r library; do cp -L "$library" "$to/$(basename "$library")"; done
"$root/models/train/library.sh" "$(realpath "$to")/libscenes.so"
for split in train test; do
    [ -f "$cifar/cifar10_jpeg_$split.tar.gz" ] && cp "$cifar/cifar10_jpeg_$split.tar.gz" "$to/" || echo "no $cifar/cifar10_jpeg_$split.tar.gz: the classifier cannot be trained from this pack" >&2
done
du -sh "$to"
