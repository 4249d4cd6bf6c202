#!/usr/bin/env bash
# Install what is missing, build, run every test.
#   ./test.sh            all: release, ASan + UBSan, ThreadSanitizer, fuzzers (20 s each, FUZZ_SECONDS to change)
#   ./test.sh quick      release tests only
set -uo pipefail
cd "$(dirname "$0")"
mkdir -p build
. scripts/prepare.sh
need "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
passed=0 failed=0 skipped=0

# suite PRESET [ctest arguments]: build and run, and add its closing line to the sum.
suite() {
    local preset=$1 log=build/test-$1.log
    shift
    configure "$preset"
    echo "== $preset: building" >&2
    if ! cmake --build --preset "$preset" >"build/build-$preset.log" 2>&1; then
        tail -40 "build/build-$preset.log"
        failed=$((failed + 1))
        return
    fi
    ctest --preset "$preset" -j "$(nproc)" "$@" >"$log" 2>&1 || true
    grep -E "Failed|\*\*\*|Skipped" "$log" | grep -v "tests failed out of" || true
    awk '/Errors while running|The following tests FAILED/ {show=1} show' "$log"
    if grep -q "No tests were found" "$log" || ! grep -q "tests passed" "$log"; then
        tail -20 "$log"
        failed=$((failed + 1))
        return
    fi
    local bad all skip
    bad=$(sed -nE 's/.* ([0-9]+) tests? failed out of ([0-9]+).*/\1/p' "$log" | tail -1)
    all=$(sed -nE 's/.* ([0-9]+) tests? failed out of ([0-9]+).*/\2/p' "$log" | tail -1)
    skip=$(grep -cE "\*\*\*Skipped" "$log")
    [ "$bad" != 0 ] && grep -E "ERROR|FAILED|runtime error|SUMMARY" "$log" | head -40
    passed=$((passed + all - bad - skip)) failed=$((failed + bad)) skipped=$((skipped + skip))
    echo "== $preset: $((all - bad - skip)) passed, $bad failed, $skip skipped" >&2
}

# fuzzers: every parser of a file, from its committed corpus; what they find is kept under build/fuzz.
fuzzers() {
    local seconds=${FUZZ_SECONDS:-20} target name pids=() names=()
    configure fuzz
    echo "== fuzz: building" >&2
    if ! cmake --build --preset fuzz >build/build-fuzz.log 2>&1; then
        tail -40 build/build-fuzz.log
        failed=$((failed + 1))
        return
    fi
    wait_one() {
        if wait "${pids[0]}"; then passed=$((passed + 1)); else
            failed=$((failed + 1))
            echo "fuzz ${names[0]}: FAILED"
            tail -30 "build/fuzz/${names[0]}.log"
        fi
        pids=("${pids[@]:1}") names=("${names[@]:1}")
    }
    for target in build/fuzz/tests/fuzz/fuzz_*; do
        [ -x "$target" ] && [ -f "$target" ] || continue
        name=$(basename "$target")
        mkdir -p "build/fuzz/found-$name"
        "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="build/fuzz/found-$name/" \
            "build/fuzz/found-$name" "tests/fuzz/corpus/${name#fuzz_}" >"build/fuzz/$name.log" 2>&1 &
        pids+=($!) names+=("$name")
        [ ${#pids[@]} -ge "$(nproc)" ] && wait_one
    done
    while [ ${#pids[@]} -gt 0 ]; do wait_one; done
}

suite release
if [ "${1:-}" != quick ]; then
    suite debug
    suite tsan -R "pool|session|job|gemm|attention|ops|oracle"
    fuzzers
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
