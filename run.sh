#!/usr/bin/env bash
# Install what is missing, build a release, start the program.
#   ./run.sh                 check the machine, then ask the embedded model about unseen pictures, unpruned and pruned
#   ./run.sh COMMAND ...     build, then run `saint COMMAND ...`
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
from=$PWD
cd "$(dirname "$0")"
mkdir -p build
. scripts/prepare.sh
need "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
saint=$PWD/build/release/app/saint
[ -x "$saint" ] || echo "building (a minute or two on two cores)" >&2
configure release
cmake --build --preset release --target saint >build/build-release.log 2>&1 || { tail -40 build/build-release.log >&2; exit 1; }
if [ $# -gt 0 ]; then
    cd "$from" # paths are those of the caller
    exec "$saint" "$@"
fi
"$saint" doctor
echo
if [ -e models/scenes-vlm/config.json ]; then
    "$saint" demo
    echo
    echo "Now the workbench: $saint        (with your own model: $saint --model DIR --image FILE)"
else
    echo "A ViT-B/16 of random weights, unpruned and with SAINT (use your own with: ./run.sh run --model DIR --image FILE --prompt TEXT):"
    "$saint" bench --suite engine --shape vit-b16-224 --repeat 5
fi
