"""Figures of one call of run_all.sh as Markdown, for tests/bench/RESULTS.md: each beside its floor on an H200 and PyTorch's.

    python3 tests/gpu/report.py FOLDER     reads bench-*.json, peers.json, steps.txt, machine.txt; prints; removes what it has read

Floor: the larger of FLOPs / 989 TFLOP/s (bf16, f16, dense; f32 on plain units: 67) and bytes / 4.8 TB/s, where every weight is read once.
"""
import glob
import json
import os
import sys

out = sys.argv[1]
SIXTEEN, F32, MEMORY = 989e12, 67e12, 4.8e12
# blocks that run, width, mlp; layers, width, mlp, vocabulary
VIT = {"vit-b16-224": (12, 768, 3072), "vit-l14-336": (23, 1024, 4096), "vit-h14-224": (32, 1280, 5120), "llava-1.5-7b": (23, 1024, 4096),
       "llava-1.5-13b": (23, 1024, 4096)}
LLM = {"llava-1.5-7b": (32, 4096, 11008, 32000), "llava-1.5-13b": (40, 5120, 13824, 32000)}


def load(path):
    try:
        return json.load(open(path))
    except (OSError, ValueError):
        return None


def floor(flop, bytes_, dtype):
    return max(flop / (F32 if dtype == "f32" else SIXTEEN), bytes_ / MEMORY) * 1e3


def ms(x):
    return "-" if x is None else f"{x:.3f}" if x < 1 else f"{x:.2f}" if x < 100 else f"{x:.0f}"


def spread(p):
    return f"{ms(p['ms'])} ({ms(p.get('ms_min'))}..{ms(p.get('ms_max'))})"


def share(floor_ms, took):
    return f"{100 * floor_ms / took:.0f} %" if took else "-"


def where(r):
    """How many sites, and who decides them."""
    places = sorted({x["selected_on"] for x in r["sites"]})
    return f"{len(r['sites'])} on the {' and the '.join(places)}" if places else "0"


benches = {os.path.basename(p)[6:-5]: load(p) for p in sorted(glob.glob(out + "/bench-*.json"))}
unread = sorted(k for k, v in benches.items() if not v or not v.get("rows"))
benches = {k: v for k, v in benches.items() if k not in unread}
peers = load(out + "/peers.json") or {}
steps = open(out + "/steps.txt").read().strip().split("\n") if os.path.exists(out + "/steps.txt") else []
steps += [f"bench-{k}: FAILED: its figures cannot be read" for k in unread]
json.dump({"bench": benches, "peers": peers, "steps": steps}, open(out + "/figures.json", "w"), indent=1)  # first: a table may fail


def peer(name):
    p = peers.get(name)
    return "-" if p is None else ms(p["ms"]) if "ms" in p else "failed" if "failed" in p else "no time"


print("## " + (open(out + "/machine.txt").readline().strip() if os.path.exists(out + "/machine.txt") else "machine unknown"))
print("\n```\n" + open(out + "/machine.txt").read().strip() + "\n```" if os.path.exists(out + "/machine.txt") else "")
size = {"f32": 4, "bf16": 2, "f16": 2}

print("\n### Vision transformers: ms, median (smallest..largest)\n")
print("| shape | batch | type | graphs | variant | tokens out | ViT | TFLOP/s | floor | of it | sites | selection | speed-up | FLOPs saved | PyTorch eager | compile |")
print("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
for o in benches.values():
    if "prefill" in o["rows"][0]:
        continue
    layers, d, mlp = VIT.get(o["model"], (0, 0, 0))
    b, dtype = o["batch"], o["dtype"]
    for r in o["rows"]:
        v = r["vit"]
        f = floor(v.get("gflop", 0) * 1e9, layers * (4 * d * d + 2 * d * mlp) * size[dtype], dtype)
        none = r["preset"] == "none"
        print(f"| {o['model']} | {b} | {dtype} | {'yes' if o.get('recorded') else 'no'} | {r['preset']} | {r['vit_out']} | {spread(v)} | {v.get('gflops', 0) / 1e3:.1f} "
              f"| {ms(f)} | {share(f, v['ms'])} | {where(r)} | {ms(r['selection']['ms'])} | {r['speedup']:.2f}x | {r['flops_ratio']:.2f}x "
              f"| {peer(o['model'] + f' b{b} eager') if none and dtype == 'bf16' else ''} | {peer(o['model'] + f' b{b} compile') if none and dtype == 'bf16' else ''} |")

print("\n### Language models: ms\n")
print("| shape | graphs | variant | picture tokens | ViT | selection, sites | prefill | floor | of it | PyTorch | decode, ms a token | floor | of it | PyTorch | before the first token |")
print("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
for o in benches.values():
    if "prefill" not in o["rows"][0]:
        continue
    layers, d, mlp, vocab = LLM.get(o["model"], (0, 0, 0, 0))
    weights = layers * (4 * d * d + 3 * d * mlp) * size[o["dtype"]]
    for r in o["rows"]:
        pre = r["prefill"]
        f = floor(pre.get("gflop", 0) * 1e9, weights, o["dtype"])
        keys = 60 + r["image_tokens_last_layer"]
        g = floor(0, weights + (d * vocab + 2 * layers * d * keys) * size[o["dtype"]], o["dtype"])
        step = 1e3 / r["decode_tokens_per_second"] if r.get("decode_tokens_per_second") else 0
        print(f"| {o['model']} | {'yes' if o.get('recorded') else 'no'} | {r['preset']} | {r['vit_out']} | {ms(r['vit']['ms'])} | {ms(r['selection']['ms'])}, {where(r)} "
              f"| {spread(pre)} | {ms(f)} | {share(f, pre['ms'])} | {peer(o['model'] + ' prefill ' + str(r['vit_out']))} | {ms(step)} | {ms(g)} | {share(g, step)} "
              f"| {peer(o['model'] + ' decode step, 640 keys')} | {r['speedup']:.2f}x |")

print("\n### One selection: ms, with what waits for it\n\n| shape | batch | variant | site | method | tokens | on | ms |\n|---|---|---|---|---|---|---|---|")
for o in benches.values():
    for r in o["rows"]:
        for x in r["sites"]:
            print(f"| {o['model']} | {o['batch']} | {r['preset']} | {x['stage']} {x['layer']} | {x['method']} | {x['n_in']} to {x['n_out']} | {x['selected_on']} | {x['ms']:.3f} |")

rest = {k: v for k, v in peers.items() if any(w in k for w in ("site", "half"))}
if rest:
    print("\n### PyTorch: pruning as published, ms\n\n| what | median (smallest..largest) |\n|---|---|")
    for name, p in rest.items():
        print(f"| {name} | {ms(p['ms'])} ({ms(p['min'])}..{ms(p['max'])}) |" if "ms" in p else f"| {name} | {p.get('failed') or p.get('skipped')} |")

print("\n### Steps\n\n" + "\n".join("* " + s for s in steps))
for name in benches:
    for end in ("json", "log"):
        path = f"{out}/bench-{name}.{end}"
        if os.path.exists(path):
            os.remove(path)
