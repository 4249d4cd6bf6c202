"""Times PyTorch on the real shapes with random weights, the same work that `saint bench --shape` does: for the side-by-side table.

    python tests/oracle/peers.py [--work vit-b16-224,llama-7b-x4] [--dtype float32,bfloat16] [--threads N] [--repeat 7] [--compile]

Prints one JSON object: medians in milliseconds, all samples, and what ran. PyTorch gets what it can use: inference mode, fused
scaled_dot_product_attention, all physical cores, warm-up rounds that are not counted, and optionally torch.compile. Weights are laid out
as torch loads them. Nothing is pruned: this is the unpruned peer. `load_before` is the machine's load average: above 0.5 the numbers are
not worth keeping.
"""
import argparse
import json
import os
import platform
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

VITS = {  # side, patch, width, heads, ffn, blocks that run, class token, activation
    "vit-b16-224": (224, 16, 768, 12, 3072, 12, "gelu"),
    "vit-l14-336": (336, 14, 1024, 16, 4096, 23, "quick_gelu"),  # LLaVA-1.5 reads the output of block 22 of 24
    "vit-h14-224": (224, 14, 1280, 16, 5120, 32, "gelu"),
}
LLAMAS = {"llama-7b-x4": (4096, 32, 11008, 4)}  # width, heads, ffn, layers; the 32 layers of the model are alike
PREFILL = 640


class VitBlock(nn.Module):
    def __init__(self, d, heads, ffn, act):
        super().__init__()
        self.heads, self.act = heads, act
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.fc1, self.fc2 = nn.Linear(d, ffn), nn.Linear(ffn, d)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, d))
        h = self.fc1(self.ln2(x))
        h = F.gelu(h) if self.act == "gelu" else h * torch.sigmoid(1.702 * h)
        return x + self.fc2(h)


class Vit(nn.Module):
    def __init__(self, side, patch, d, heads, ffn, blocks, act):
        super().__init__()
        n = (side // patch) ** 2
        self.patch = nn.Conv2d(3, d, patch, patch)
        self.cls, self.pos = nn.Parameter(torch.randn(1, 1, d)), nn.Parameter(torch.randn(1, n + 1, d))
        self.blocks = nn.ModuleList(VitBlock(d, heads, ffn, act) for _ in range(blocks))

    def forward(self, pixels):
        x = self.patch(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.pos
        for block in self.blocks:
            x = block(x)
        return x


class LlamaLayer(nn.Module):
    def __init__(self, d, heads, ffn):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.RMSNorm(d, 1e-5), nn.RMSNorm(d, 1e-5)
        self.qkv, self.out = nn.Linear(d, 3 * d, bias=False), nn.Linear(d, d, bias=False)
        self.gate_up, self.down = nn.Linear(d, 2 * ffn, bias=False), nn.Linear(ffn, d, bias=False)

    def forward(self, x, cos, sin, cache):
        """cache: (keys, values) [1, heads, room, hd] and how many rows they hold; rows are written behind them."""
        keys, values, past = cache
        n, d = x.shape[1:]
        q, k, v = self.qkv(self.ln1(x)).view(1, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        q, k = (t * cos + torch.cat([-t[..., t.shape[-1] // 2:], t[..., :t.shape[-1] // 2]], -1) * sin for t in (q, k))
        keys[:, :, past:past + n], values[:, :, past:past + n] = k, v
        y = F.scaled_dot_product_attention(q, keys[:, :, :past + n], values[:, :, :past + n], is_causal=n > 1)
        x = x + self.out(y.transpose(1, 2).reshape(1, n, d))
        gate, up = self.gate_up(self.ln2(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Llama(nn.Module):
    def __init__(self, d, heads, ffn, layers):
        super().__init__()
        self.layers = nn.ModuleList(LlamaLayer(d, heads, ffn) for _ in range(layers))
        self.hd = d // heads

    def forward(self, x, past, caches):
        angle = torch.arange(past, past + x.shape[1])[:, None] / 10000 ** (torch.arange(0, self.hd, 2) / self.hd)
        angle = torch.cat([angle, angle], -1)
        cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        for layer, (keys, values) in zip(self.layers, caches):
            x = layer(x, cos, sin, (keys, values, past))
        return x


def build(make, dtype):
    """Random weights without the minutes that nn.Linear's own initialisation takes at these sizes."""
    with torch.device("meta"):
        net = make()
    net = net.to(dtype).to_empty(device="cpu").eval()
    for p in net.parameters():
        p.data.uniform_(-0.02, 0.02)
    for module in net.modules():
        if isinstance(module, (nn.LayerNorm, nn.RMSNorm)):
            module.weight.data.fill_(1)
    return net


def timed(run, repeat, warm_up=2):
    samples = []
    for k in range(warm_up + repeat):
        start = time.perf_counter()
        run()
        if k >= warm_up:
            samples.append(1000 * (time.perf_counter() - start))
    return {"median_ms": round(statistics.median(samples), 3), "samples_ms": [round(s, 3) for s in samples]}


def bench_vit(name, dtype, repeat, batch, compiled):
    net = build(lambda: Vit(*VITS[name]), dtype)
    net = torch.compile(net) if compiled else net
    pixels = torch.randn(batch, 3, VITS[name][0], VITS[name][0], dtype=dtype)
    result = timed(lambda: net(pixels), repeat)
    return {"work": name, "blocks": VITS[name][5], "batch": batch, **result}


def bench_llama(name, dtype, repeat, compiled):
    d, heads, ffn, layers = LLAMAS[name]
    net = build(lambda: Llama(d, heads, ffn, layers), dtype)
    weights = sum(p.numel() * p.element_size() for p in net.parameters())
    net = torch.compile(net) if compiled else net
    caches = [[torch.zeros(1, heads, PREFILL + 1, d // heads, dtype=dtype) for _ in range(2)] for _ in range(layers)]
    prompt, token = torch.randn(1, PREFILL, d, dtype=dtype), torch.randn(1, 1, d, dtype=dtype)
    prefill = timed(lambda: net(prompt, 0, caches), repeat)
    decode = timed(lambda: net(token, PREFILL, caches), 3 * repeat)
    return [{"work": name + ".prefill", "layers": layers, "tokens": PREFILL, **prefill},
            {"work": name + ".decode", "layers": layers, "past": PREFILL, "weight_bytes": weights, **decode}]


def physical_cores():
    try:
        with open("/proc/cpuinfo") as f:
            cores = {tuple(line.split(":")[1].strip() for line in block.split("\n") if line.startswith(("physical id", "core id")))
                     for block in f.read().split("\n\n") if "processor" in block}
        return min(len(cores), len(os.sched_getaffinity(0))) if cores and () not in cores else len(os.sched_getaffinity(0))
    except OSError:
        return os.cpu_count()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", default=",".join([*VITS, *LLAMAS]))
    parser.add_argument("--dtype", default="float32,bfloat16")
    parser.add_argument("--threads", type=int, default=physical_cores())
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--batch", type=int, default=1, help="pictures at once")
    parser.add_argument("--compile", action="store_true", help="torch.compile (needs a C++ compiler; the first rounds take minutes)")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    if a.compile:
        from torch._inductor import config as inductor
        inductor.freezing = True  # weights are packed once, as an inference engine would
    load, rows = os.getloadavg()[0], []
    with torch.inference_mode():
        for dtype in a.dtype.split(","):
            for name in a.work.split(","):
                kind = getattr(torch, dtype)
                if name in VITS:
                    found = [bench_vit(name, kind, a.repeat, a.batch, a.compile)]
                else:
                    found = bench_llama(name, kind, a.repeat, a.compile)
                for row in found:
                    rows.append({"dtype": dtype, **row})
                    print(f"{dtype} {row['work']}: {row['median_ms']} ms", file=sys.stderr)
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    print(json.dumps({"peer": "pytorch", "version": torch.__version__, "compiled": a.compile, "threads": a.threads, "cpu": cpu,
                      "capability": torch.backends.cpu.get_cpu_capability(), "mkldnn": torch.backends.mkldnn.is_available(),
                      "load_before": load, "repeat": a.repeat, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
