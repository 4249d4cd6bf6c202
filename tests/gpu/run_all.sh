#!/usr/bin/env bash
# Everything that needs a GPU, in one call of at most ten minutes: tests, compute-sanitizer, timings, a short table last.
#   OUT=folder tests/gpu/run_all.sh          (default: build/gpu-results)
#   QUICK=1 tests/gpu/run_all.sh             tests alone
#   BACKEND=cpu TOTAL=60 tests/gpu/run_all.sh  tries the script itself where no GPU is, for 60 s
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

# step NAME LIMIT COMMAND...: output to $OUT/NAME.log, one line to the table.
step() {
    local name=$1 limit=$2 rc=0 start
    shift 2
    start=$(date +%s)
    if [ "$(left)" -lt 10 ]; then
        echo "$name: not run, no time left" >>"$results"
        return 1
    fi
    [ "$limit" -gt "$(left)" ] && limit=$(left)
    timeout -k 5 "$limit" "$@" >"$OUT/$name.log" 2>&1 || rc=$?
    local verdict="ok"
    [ $rc -eq 77 ] && verdict=$(grep -m1 SKIPPED "$OUT/$name.log")
    [ $rc -eq 124 ] && verdict="OUT OF TIME ($limit s)"
    [ $rc -ne 0 ] && [ $rc -ne 77 ] && [ $rc -ne 124 ] && verdict="FAILED ($rc): $( (grep -m1 -E 'ERROR|Error|error|FAILED' "$OUT/$name.log" || tail -1 "$OUT/$name.log") | cut -c1-200)"
    echo "$name: $verdict, $(($(date +%s) - start)) s" >>"$results"
    return $rc
}

# ---- programs and libraries ----
bin=.gpu/bin
export LD_LIBRARY_PATH=$PWD/.gpu/lib:${LD_LIBRARY_PATH:-}
if ! $bin/saint info >/dev/null 2>&1; then
    cmake --preset release >"$OUT/configure.log" 2>&1 && cmake --build --preset release --target saint gpu_cuda_ops gpu_cuda_select gpu_cuda_models gpu_cuda_sites >"$OUT/build.log" 2>&1
    mkdir -p build/gpu-bin && cp build/release/app/saint build/release/tests/gpu_cuda_* build/gpu-bin/ 2>/dev/null
    bin=build/gpu-bin
fi
if ! $bin/saint info >"$OUT/info.txt" 2>&1; then
    echo "no program: neither .gpu/ (tests/gpu/pack.sh) runs here nor does a build succeed"
    tail -5 "$OUT/configure.log" "$OUT/build.log" "$OUT/info.txt" 2>/dev/null
    exit 1
fi
if ! ldconfig -p 2>/dev/null | grep -q libcublasLt.so.13; then
    lt=$(find /usr/local/cuda*/ /opt /usr/lib "$(python3 -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])' 2>/dev/null || echo /usr/lib/python3)" \
        -name 'libcublasLt.so.13*' 2>/dev/null | head -1)
    [ -n "$lt" ] && export LD_LIBRARY_PATH=$(dirname "$lt"):$LD_LIBRARY_PATH
fi
{
    nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.sm,clocks.mem,clocks.max.sm,power.limit --format=csv
    cat "$OUT/info.txt"
    uname -a
} >"$OUT/machine.txt" 2>&1
cat "$OUT/machine.txt"

# ---- tests ----
step test-ops 120 $bin/gpu_cuda_ops
step test-select 60 $bin/gpu_cuda_select
step test-models 120 $bin/gpu_cuda_models
step test-sites 120 $bin/gpu_cuda_sites
if [ -z "${QUICK:-}" ]; then
    if command -v compute-sanitizer >/dev/null; then
        step memcheck-attention 60 compute-sanitizer --tool memcheck --error-exitcode 9 $bin/gpu_cuda_ops 'attention*'
        step memcheck-norms 40 compute-sanitizer --tool memcheck --error-exitcode 9 $bin/gpu_cuda_ops 'norms*'
        step memcheck-moves 40 compute-sanitizer --tool memcheck --error-exitcode 9 $bin/gpu_cuda_ops 'moves*'
        step memcheck-select 60 compute-sanitizer --tool memcheck --error-exitcode 9 $bin/gpu_cuda_select 'random*'
        step racecheck-select 60 compute-sanitizer --tool racecheck --error-exitcode 9 $bin/gpu_cuda_select 'random*'
        step racecheck-norms 40 compute-sanitizer --tool racecheck --error-exitcode 9 $bin/gpu_cuda_ops 'norms*'
        step racecheck-attention 60 compute-sanitizer --tool racecheck --error-exitcode 9 $bin/gpu_cuda_ops 'attention*'
    else
        echo "compute-sanitizer: not installed, not run" >>"$results"
    fi

    # ---- timings: random weights of published shapes; the longest last ----
    bench() {
        local name=$1
        shift
        step "bench-$name" 60 $bin/saint bench --backend "${BACKEND:-cuda}" --json "$@" && cp "$OUT/bench-$name.log" "$OUT/bench-$name.json"
    }
    for batch in 1 8 64; do
        bench vit-l-b$batch --shape vit-l14-336 --dtype bf16 --batch $batch --repeat 5
        bench vit-h-b$batch --shape vit-h14-224 --dtype bf16 --batch $batch --repeat 5
    done
    bench llava-7b-keep --shape llava-1.5-7b --dtype bf16 --keep 576,375,192,144,64 --repeat 5
    bench llava-7b-presets --shape llava-1.5-7b --dtype bf16 --repeat 3
    bench llava-13b-keep --shape llava-1.5-13b --dtype bf16 --keep 576,375,192,144,64 --repeat 5
    bench vit-h-b256 --shape vit-h14-224 --dtype bf16 --batch 256 --repeat 3
    bench vit-l-b256 --shape vit-l14-336 --dtype bf16 --batch 256 --repeat 3
    bench vit-l-f16 --shape vit-l14-336 --dtype f16 --batch 8 --repeat 5
    bench vit-l-f32 --shape vit-l14-336 --dtype f32 --batch 1 --repeat 5
    python3 -c 'import torch' 2>/dev/null && step peers 120 python3 tests/gpu/peers.py "$OUT/peers.json"
fi

# ---- the table; everything in few files, because few come back ----
python3 - "$OUT" <<'PY'
import glob, json, os, sys
out = sys.argv[1]
every = {}
print("\n%-16s %-10s %7s %9s %9s %9s %9s %8s %8s" % ("bench", "variant", "tokens", "ViT ms", "TFLOP/s", "select", "prefill", "tok/s", "speedup"))
for path in sorted(glob.glob(out + "/bench-*.json")):
    name = os.path.basename(path)[6:-5]
    try:
        o = json.load(open(path))
    except ValueError:
        continue
    every[name] = o
    for r in o["rows"]:
        v = r["vit"]
        print("%-16s %-10s %7d %9.2f %9.1f %9.2f %9s %8s %7.2fx" % (
            name, r["preset"][:10], r["vit_out"], v["ms"], v.get("gflops", 0) / 1e3, r["selection"]["ms"],
            "%.2f" % r["prefill"]["ms"] if "prefill" in r else "", "%.0f" % r["decode_tokens_per_second"] if "decode_tokens_per_second" in r else "", r["speedup"]))
    for r in o["rows"]:
        for s in r.get("sites", []):
            print("  site %-12s %-10s %s %2d %-26s %4d -> %4d  %8.3f ms on the %s" % (
                name, r["preset"][:10], s["stage"], s["layer"], s["method"], s["n_in"], s["n_out"], s["ms"], s["selected_on"]))
    os.remove(path)
    os.remove(path[:-5] + ".log")
json.dump(every, open(out + "/bench.json", "w"), indent=1)
if os.path.exists(out + "/peers.json"):
    for name, ms in json.load(open(out + "/peers.json")).items():
        print("peer %-40s %9.3f ms" % (name, ms))
print()
print(open(out + "/steps.txt").read())
PY
tar czf "$OUT/logs.tar.gz" -C "$OUT" $(cd "$OUT" && ls ./*.log 2>/dev/null) 2>/dev/null && rm -f "$OUT"/*.log
! grep -qE "FAILED|OUT OF TIME" "$results"
