#!/usr/bin/env bash
# Install what is missing, build, run every test.
#   ./test.sh            all: release, ASan + UBSan, ThreadSanitizer, fuzzers (5 s each, FUZZ_SECONDS for longer)
#   ./test.sh quick      release tests only
# Exit status: 0 nothing failed, 1 something did, 2 wrong usage or missing packages. Logs: build/build-*.log, build/test-*.log, build/fuzz/*.log.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -uo pipefail
cd "$(dirname "$0")"
case ${1:-} in
"" | quick) ;;
*)
    sed -n '2,5s/^# //p' test.sh >&2
    exit 2
    ;;
esac
case ${FUZZ_SECONDS:-5} in
"" | *[!0-9]* | 0)
    echo "FUZZ_SECONDS=$FUZZ_SECONDS: expected a whole number of seconds from 1" >&2
    exit 2
    ;;
esac
mkdir -p build
. scripts/prepare.sh
need "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
[ "${1:-}" = quick ] || need "${FUZZ_PACKAGES[@]}"
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
    echo "== $preset: testing" >&2
    ctest --preset "$preset" -j "$(nproc)" "$@" >"$log" 2>&1 || true
    if grep -q "No tests were found" "$log" || ! grep -q "tests passed" "$log"; then
        tail -20 "$log"
        failed=$((failed + 1))
        return
    fi
    local bad all skip
    bad=$(sed -nE 's/.* ([0-9]+) tests? failed out of ([0-9]+).*/\1/p' "$log" | tail -1)
    all=$(sed -nE 's/.* ([0-9]+) tests? failed out of ([0-9]+).*/\2/p' "$log" | tail -1)
    skip=$(grep -cE "\*\*\*Skipped" "$log")
    sed -nE "s/.*Test +#[0-9]+: ([^ ]+) \.*\*\*\*Skipped.*/skipped $preset \1 (it needs what is not here: ..\/shared, or a GPU)/p" "$log"
    sed -nE "s/.*Test +#[0-9]+: ([^ ]+) \.*(\*\*\*.*[^ ]) +[0-9.]+ sec.*/FAILED  $preset \1 \2/p" "$log" | grep -v '\*\*\*Skipped'
    if [ "$bad" != 0 ]; then
        grep -E "^\[ +(ERROR|LINE|FAILED) +\] [^0-9]|error: |ERROR: |runtime error|SUMMARY|WARNING: ThreadSanitizer" "$log" | head -40
        echo "        all of it: $log"
    fi
    passed=$((passed + all - bad - skip)) failed=$((failed + bad)) skipped=$((skipped + skip))
    echo "== $preset: $((all - bad - skip)) passed, $bad failed, $skip skipped" >&2
}

# fuzzers: every parser of a file, from its committed corpus; what they find is kept under build/fuzz.
fuzzers() {
    local seconds=${FUZZ_SECONDS:-5} target name pids=() names=()
    configure fuzz
    echo "== fuzz: building" >&2
    if ! cmake --build --preset fuzz >build/build-fuzz.log 2>&1; then
        tail -40 build/build-fuzz.log
        failed=$((failed + 1))
        return
    fi
    echo "== fuzz: $seconds s each" >&2
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
    suite tsan
    fuzzers
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
