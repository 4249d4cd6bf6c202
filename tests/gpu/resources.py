"""What ptxas gave each hot kernel, and how many warps of a multiprocessor that leaves room for: a Markdown table.

    python3 tests/gpu/resources.py [build/release/cuda]

Registers, static shared memory and spills are ptxas's own words. Threads and dynamic shared memory of a launch are the launchers' (kept in
HOT below). Occupancy is arithmetic on the published limits of the chips; it is no measurement.
"""
import glob
import re
import subprocess
import sys

# kernel, template arguments that are worth a row: threads of a block, dynamic shared memory, blocks that the launch bounds promise
HOT = [
    (r"tensor_kernel<bf16, (64|80|128)>", 128, lambda m: (64 + 4 * 64) * (int(m[1]) + 8) * 2),
    (r"f32_kernel<(64|80|128)>", 256, lambda m: ((64 + 64) * (int(m[1]) + 4) + 64 * (64 + 4)) * 4),
    (r"warp_kernel<(bf16|float)>", 128, lambda m: 0),
    (r"one_kernel<(bf16|float)>", 128, lambda m: 0),
    (r"rows_kernel<(bf16), 1, 8>", 128, lambda m: 0),
    (r"rows_kernel<(bf16), 4, 8>", 128, lambda m: 0),
    (r"epilogue_kernel<(bf16), bf16, 8>", 256, lambda m: 0),
    (r"norm_kernel<(bf16), 4>", 128, lambda m: 0),
    (r"rope_store_kernel<(bf16)>", 128, lambda m: 0),
    (r"gather_kernel<(uint4)>", 128, lambda m: 0),
    (r"mean_kernel<(bf16)>", 256, lambda m: 0),
    (r"best_kernel", 1024, lambda m: 0),
    # selection, for 576 candidates and keys of 64
    (r"compare_kernel", 128, lambda m: (8 * 64 + 64 * 36 + 8 * 289) * 4),
    (r"votes_kernel", 512, lambda m: 8192),
    (r"graph_kernel", 512, lambda m: 8192 + 576 * 4),
    (r"match_kernel", 512, lambda m: 8192),
    (r"merge_kernel", 128, lambda m: 0),
    (r"list_kernel", 512, lambda m: 0),
]
# shared memory of a multiprocessor for blocks, registers, warps, blocks; a block takes 1 KiB of shared memory for the system
CHIPS = {"sm_80": (164 << 10, 65536, 64, 32), "sm_90": (228 << 10, 65536, 64, 32)}


def read(folder):
    out = []
    for path in sorted(glob.glob(folder + "/*.ptxas")):
        name = chip = None
        for line in open(path):
            m = re.search(r"Compiling entry function '([^']+)' for '([^']+)'", line)
            if m:
                name, chip, spill = m[1], m[2], 0
            m = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", line)
            if m:
                spill = int(m[1]) + int(m[2])
            m = re.search(r"Used (\d+) registers", line)
            if m and name:
                smem = re.search(r"(\d+) bytes smem", line)
                out.append([name, chip, int(m[1]), int(smem[1]) if smem else 0, spill])
                name = None
    text = subprocess.run(["c++filt"], input="\n".join(x[0] for x in out), capture_output=True, text=True).stdout.split("\n")
    for x, full in zip(out, text):
        full = full.replace("(anonymous namespace)::", "").replace("(int)", "")
        x[0] = re.sub(r"^void ", "", re.sub(r"\(.*", "", full))
    return out


def warps(chip, threads, registers, shared):
    room, regs, most_warps, most_blocks = CHIPS[chip]
    each = -(-registers * 32 // 256) * 256 * (threads // 32)  # registers come to a warp in pieces of 256
    limits = {"registers": regs // each, "shared memory": room // (-(-(shared + 1024) // 128) * 128), "warps": most_warps // (threads // 32),
              "blocks": most_blocks}
    blocks = min(limits.values())
    return blocks * threads // 32, min(limits, key=limits.get)


def main():
    kernels = read(sys.argv[1] if len(sys.argv) > 1 else "build/release/cuda")
    print("| kernel | registers sm_80, sm_90 | shared memory of a block | threads | warps of 64: sm_80 | sm_90 |\n|---|---|---|---|---|---|")
    for pattern, threads, dynamic in HOT:
        fits = {(k[0], k[1]): k for k in kernels if re.fullmatch(pattern, k[0])}
        if not fits:
            sys.exit(f"resources.py: no kernel fits {pattern}: mend HOT")
        for name in sorted({k[0] for k in fits}):
            bytes_ = fits[name, "sm_90"][3] + dynamic(re.fullmatch(pattern, name))
            room = {chip: warps(chip, threads, fits[name, chip][2], bytes_) for chip in CHIPS}
            used = ", ".join(str(fits[name, chip][2]) + (" SPILLED" if fits[name, chip][4] else "") for chip in CHIPS)
            print(f"| {name} | {used} | {bytes_ / 1024:.1f} KiB | {threads} | " + " | ".join(f"{room[c][0]} ({room[c][1]})" for c in CHIPS) + " |")
    print(f"\n{len(kernels)} kernels, {sum(k[4] > 0 for k in kernels)} with spilled registers")


main()
