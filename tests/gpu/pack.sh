#!/usr/bin/env bash
# What a machine with a GPU needs of a build, for one that has no compiler for it or lacks cJSON, stb and cmocka:
#   tests/gpu/pack.sh [BUILD] [FOLDER]     (default: build/release, .gpu)
# Then, on that machine, from the root of the tree: tests/gpu/run_all.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build/release} to=${2:-.gpu}
cmake --build "$build" --target saint gpu_cuda_tests
rm -rf "$to"
mkdir -p "$to/bin" "$to/lib" "$to/share/saint"
cp "$build/app/saint" "$build"/tests/gpu_cuda_* "$to/bin/"
cp -r presets "$to/share/saint/"
for program in "$to"/bin/*; do
    ldd "$program" | awk '/cjson|cmocka|ncurses|tinfo|sqlite/ {print $3}'
done | sort -u | while read -r library; do cp "$library" "$to/lib/"; done
strip "$to"/bin/* 2>/dev/null || true
du -sh "$to"
