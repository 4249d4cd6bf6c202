#!/usr/bin/env bash
# Everything that needs a GPU, in one call of at most ten minutes: tests, compute-sanitizer, timings, a short table last.
#   OUT=folder tests/gpu/run_all.sh          (default: build/gpu-results)
#   QUICK=1 tests/gpu/run_all.sh             tests alone
#   BACKEND=cpu TOTAL=60 tests/gpu/run_all.sh  tries the script itself where no GPU is, for 60 s
# Afterwards $OUT has RESULTS.md (to be pasted into tests/bench/RESULTS.md), figures.json and logs.tar.gz.
# Takes the programs of tests/gpu/pack.sh (.gpu/) where they run, else builds here. Every step has its own limit; a step that fails or runs
# out of time is a line of the table and stops nothing. Leaves the device's settings alone.
set -uo pipefail
cd "$(dirname "$0")/../.."
OUT=${OUT:-build/gpu-results}
mkdir -p "$OUT"
begin=$(date +%s)
results=$OUT/steps.txt
: >"$results"

left() { echo $((${TOTAL:-570} - ($(date +%s) - begin))); }

# step NAME LIMIT COMMAND...: output to $OUT/NAME.log, one line to the table. RESULT=file: stdout goes there, because notes on stderr are no JSON.
step() {
    local name=$1 limit=$2 rc=0 start
    shift 2
    start=$(date +%s)
    if [ "$(left)" -lt 10 ]; then
        echo "$name: not run, no time left" >>"$results"
        return 1
    fi
    [ "$limit" -gt "$(left)" ] && limit=$(left)
    if [ -n "${RESULT:-}" ]; then
        timeout -k 5 "$limit" "$@" >"$RESULT" 2>"$OUT/$name.log" || rc=$?
        [ $rc -eq 0 ] || rm -f "$RESULT"
    else
        timeout -k 5 "$limit" "$@" >"$OUT/$name.log" 2>&1 || rc=$?
    fi
    [ $rc -eq 137 ] && rc=124 # it did not hear the first signal
    local verdict="ok"
    [ $rc -eq 0 ] && grep -q ': note: ' "$OUT/$name.log" && verdict="ok ($(grep -m1 -o 'note: .*' "$OUT/$name.log" | cut -c1-150))"
    [ $rc -eq 77 ] && verdict=$(grep -m1 SKIPPED "$OUT/$name.log")
    [ $rc -eq 124 ] && verdict="OUT OF TIME ($limit s)"
    [ $rc -ne 0 ] && [ $rc -ne 77 ] && [ $rc -ne 124 ] && verdict="FAILED ($rc): $( (grep -m1 -E 'ERROR|Error|error|FAILED' "$OUT/$name.log" || tail -1 "$OUT/$name.log") | cut -c1-200)"
    echo "$name: $verdict, $(($(date +%s) - start)) s" >>"$results"
    return $rc
}

# ---- programs and libraries ----
bin=.gpu/bin
theirs=${LD_LIBRARY_PATH:-} # Python's: it may need other versions of what pack.sh brings
export LD_LIBRARY_PATH=$PWD/.gpu/lib${theirs:+:$theirs} PATH=$PATH:/usr/local/cuda/bin
if ! $bin/saint info >"$OUT/carried.txt" 2>&1; then
    cmake --preset release >"$OUT/configure.log" 2>&1 && cmake --build --preset release --target saint gpu_cuda_tests >"$OUT/build.log" 2>&1
    mkdir -p build/gpu-bin && cp build/release/app/saint build/release/tests/gpu_cuda_* build/gpu-bin/ 2>/dev/null
    bin=build/gpu-bin
fi
if ! $bin/saint info >"$OUT/info.txt" 2>&1; then
    echo "no program: neither .gpu/ (tests/gpu/pack.sh) runs here nor does a build succeed"
    tail -n 5 "$OUT"/carried.txt "$OUT/configure.log" "$OUT/build.log" "$OUT/info.txt" 2>/dev/null
    exit 1
fi
if ! ldconfig -p 2>/dev/null | grep -q libcublasLt.so.13; then
    lt=$(find /usr/local/cuda*/ /opt /usr/lib "$(python3 -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])' 2>/dev/null || echo /usr/lib/python3)" \
        -name 'libcublasLt.so.13*' 2>/dev/null | head -1)
    [ -n "$lt" ] && export LD_LIBRARY_PATH=$(dirname "$lt"):$LD_LIBRARY_PATH
fi
rm -f "$OUT/carried.txt"
{
    echo "CUDA backend on $(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -1 | grep . || echo "no GPU"), $(date -I)"
    command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.sm,clocks.mem,clocks.max.sm,power.limit --format=csv
    cat "$OUT/info.txt"
    uname -a
} >"$OUT/machine.txt" 2>&1
cat "$OUT/machine.txt"

# ---- tests ----
step test-ops 120 $bin/gpu_cuda_ops
step test-fused 60 $bin/gpu_cuda_fused
step test-models 120 $bin/gpu_cuda_models
for more in "$bin"/gpu_cuda_*; do
    case ${more##*gpu_cuda_} in ops | fused | models) ;; *) step "test-${more##*gpu_cuda_}" 90 "$more" ;; esac
done
step doctor 30 $bin/saint doctor

if [ -z "${QUICK:-}" ]; then
    # ---- timings: random weights of published shapes; what decides first, the longest last ----
    bench() {
        local name=$1
        shift
        RESULT=$OUT/bench-$name.json step "bench-$name" "${BENCH_LIMIT:-45}" $bin/saint bench --backend "${BACKEND:-cuda}" --json "$@"
    }
    peers() {
        env LD_LIBRARY_PATH="$theirs" python3 -c 'import torch' 2>/dev/null || { echo "peers: no PyTorch, not run" >>"$results"; return; }
        step peers "$1" env LD_LIBRARY_PATH="$theirs" DEVICE="${BACKEND:-cuda}" python3 tests/gpu/peers.py "$OUT/peers.json" $(($1 - 10))
    }
    script_alone() {
        bench vit-b16-224-b1 --shape vit-b16-224 --dtype bf16 --batch 1 --repeat 2
        bench vit-b16-224-b1-plain --shape vit-b16-224 --dtype bf16 --batch 1 --repeat 1 --no-graphs
        bench scenes-vlm --model models/scenes-vlm --repeat 2
        step sweep-shared 45 $bin/saint bench --suite sweep --backend cpu --model models/scenes-vlm --repeat 2 # with checkpoints
        peers 40
    }
    device() {
        for batch in 1 8; do
            for shape in vit-l14-336 vit-h14-224; do
                bench $shape-b$batch --shape $shape --dtype bf16 --batch $batch --repeat 11
                bench $shape-b$batch-plain --shape $shape --dtype bf16 --batch $batch --repeat 11 --no-graphs
            done
        done
        bench llava-7b-keep --shape llava-1.5-7b --dtype bf16 --keep 576,375,192,144,64 --repeat 7
        step sweep-shared 30 $bin/saint bench --suite sweep --backend cuda --model models/scenes-vlm # with checkpoints
        bench vit-h14-224-b64 --shape vit-h14-224 --dtype bf16 --batch 64 --repeat 7
        bench vit-l14-336-b64 --shape vit-l14-336 --dtype bf16 --batch 64 --repeat 7
        bench llava-13b-keep --shape llava-1.5-13b --dtype bf16 --keep 576,375,192,144,64 --repeat 7
        peers 150
        bench llava-7b-presets --shape llava-1.5-7b --dtype bf16 --repeat 5
        bench llava-7b-plain --shape llava-1.5-7b --dtype bf16 --keep 576 --repeat 5 --no-graphs
        bench vit-l14-336-f16 --shape vit-l14-336 --dtype f16 --batch 8 --repeat 5
        bench vit-l14-336-f32 --shape vit-l14-336 --dtype f32 --batch 1 --repeat 5
        bench vit-h14-224-b256 --shape vit-h14-224 --dtype bf16 --batch 256 --repeat 3
        bench vit-l14-336-b256 --shape vit-l14-336 --dtype bf16 --batch 256 --repeat 3
    }
    if [ "${BACKEND:-cuda}" = cpu ]; then script_alone; else device; fi

    # ---- with the time that is left: memory and races ----
    if command -v compute-sanitizer >/dev/null; then
        for part in attention norms moves linears heads; do
            step memcheck-$part 45 compute-sanitizer --tool memcheck --report-api-errors no --error-exitcode 9 $bin/gpu_cuda_ops "$part*"
        done
        for part in products caches tokens recordings; do
            step memcheck-$part 45 compute-sanitizer --tool memcheck --report-api-errors no --error-exitcode 9 $bin/gpu_cuda_fused "$part*"
        done
        step memcheck-select 45 compute-sanitizer --tool memcheck --report-api-errors no --error-exitcode 9 $bin/gpu_cuda_select 'random*'
        step racecheck-select 45 compute-sanitizer --tool racecheck --error-exitcode 9 $bin/gpu_cuda_select 'random*'
        for part in norms attention; do
            step racecheck-$part 45 compute-sanitizer --tool racecheck --error-exitcode 9 $bin/gpu_cuda_ops "$part*"
        done
        for part in caches tokens; do
            step racecheck-$part 45 compute-sanitizer --tool racecheck --error-exitcode 9 $bin/gpu_cuda_fused "$part*"
        done
    else
        echo "compute-sanitizer: not installed, not run" >>"$results"
    fi
fi

# ---- the tables; everything in few files, because few come back ----
tar czf "$OUT/logs.tar.gz" -C "$OUT" $(cd "$OUT" && ls ./*.log 2>/dev/null) 2>/dev/null
env LD_LIBRARY_PATH="$theirs" python3 tests/gpu/report.py "$OUT" >"$OUT/RESULTS.md" 2>"$OUT/report.err" || cat "$results" "$OUT/report.err" # the table at least
cat "$OUT/RESULTS.md"
[ -s "$OUT/report.err" ] || rm -f "$OUT/report.err"
rm -f "$OUT"/*.log
bad="FAILED|OUT OF TIME"
[ "${BACKEND:-cuda}" = cpu ] || bad="$bad|^test-.*SKIPPED" # whoever calls this for a device wants to hear that there is none
! grep -qE "$bad" "$results"
