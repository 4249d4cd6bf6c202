"""PyTorch on the shapes of `saint bench --shape`, random bf16 weights, beside our own figures: SDPA eager and torch.compile, and pruning as the
published code does it: reference-style SAINT (both rules) and ToMe as PyTorch operations, alone and inside a ViT.

    python3 tests/gpu/peers.py OUT.json [SECONDS]            on CUDA
    DEVICE=cpu python3 tests/gpu/peers.py OUT.json 20        tries the script itself, on small networks

Writes {name: {"ms", "min", "max", "n"}} after every row, so that a limit cuts off the tail and nothing else. The longest rows come last.
"""
import json
import os
import sys
import time

import torch
import torch.nn.functional as F

START, LIMIT = time.time(), float(sys.argv[2]) if len(sys.argv) > 2 else 150
dev = os.environ.get("DEVICE", "cuda")
dt = torch.bfloat16
tiny = dev == "cpu"
out = {}
torch.manual_seed(0)


def keep(name, fn, repeat=15):
    """Median of single runs, each timed by events; nothing when the time is up."""
    if time.time() - START > LIMIT:
        out[name] = {"skipped": "no time left"}
        return
    try:
        for _ in range(1 if tiny else 3):
            fn()
        times = []
        for _ in range(2 if tiny else repeat):
            if tiny:
                t = time.perf_counter()
                fn()
                times.append((time.perf_counter() - t) * 1e3)
            else:
                a, b = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
                torch.cuda.synchronize()
                a.record()
                fn()
                b.record()
                torch.cuda.synchronize()
                times.append(a.elapsed_time(b))
        times.sort()
        out[name] = {"ms": times[len(times) // 2], "min": times[0], "max": times[-1], "n": len(times)}
    except Exception as e:  # a row that fails is a row of the table
        out[name] = {"failed": f"{type(e).__name__}: {str(e).splitlines()[0][:120] if str(e) else ''}"}
    with open(sys.argv[1], "w") as f:
        json.dump(out, f, indent=1)


# ---- selection, as published: keys are means over heads, rows of x and of the keys go along ----


def unit(k):
    return k / k.norm(dim=-1, keepdim=True)


def saint_votes(x, keys, threshold=0.75, K=5, gamma=10.0, drop=None):
    """Even tokens are voted on by odd ones. The number that goes comes from the votes: a wait for the device; fixed with `drop`."""
    m = unit(keys)
    a, b = m[:, ::2], m[:, 1::2]
    s = a @ b.transpose(1, 2)
    hit = s >= threshold
    n = hit.sum(-1)
    mean = (s * hit).sum(-1) / n.clamp(min=1)
    score = torch.where(n > 0, n * torch.exp(gamma * (mean - threshold)), s.mean(-1))
    if drop is None:
        drop = int((n >= K).float().sum(-1).mean().item())
    order = score.argsort(dim=-1, descending=True)[:, drop:]
    d = x.shape[-1]
    return torch.cat((x[:, ::2].gather(1, order[..., None].expand(-1, -1, d)), x[:, 1::2]), 1)


def saint_iterative(x, keys, left, r=16):
    """While more are left than wanted: those most alike to all others go, some at a time; a Gram matrix in each round."""
    m = unit(keys)
    while m.shape[1] > left:
        n = m.shape[1]
        r = min(n - left, max(1, n // r))
        score = (m @ m.transpose(1, 2)).sum(-1)
        stay = score.argsort(dim=-1, descending=True)[:, r:].sort(-1).values[..., None]
        m = m.gather(1, stay.expand(-1, -1, m.shape[-1]))
        x = x.gather(1, stay.expand(-1, -1, x.shape[-1]))
    return x


def tome(x, keys, size, r):
    """Even tokens, the class token not counted, merge into the odd token they resemble most."""
    m = unit(keys)
    a, b = m[:, ::2], m[:, 1::2]
    s = a @ b.transpose(1, 2)
    s[:, 0] = -torch.inf
    best, to = s.max(-1)
    order = best.argsort(dim=-1, descending=True)[..., None]
    stay, go = order[:, r:].sort(1).values, order[:, :r]
    to = to[..., None].gather(1, go)

    def merge(y):
        c = y.shape[-1]
        even, odd = y[:, ::2], y[:, 1::2]
        odd = odd.scatter_add(1, to.expand(-1, -1, c), even.gather(1, go.expand(-1, -1, c)))
        return torch.cat((even.gather(1, stay.expand(-1, -1, c)), odd), 1)

    w = merge(size)
    return merge(x * size) / w, w


# ---- networks ----


class Block(torch.nn.Module):
    def __init__(self, d, heads, mlp):
        super().__init__()
        self.heads = heads
        self.n1, self.n2 = torch.nn.LayerNorm(d), torch.nn.LayerNorm(d)
        self.qkv, self.proj = torch.nn.Linear(d, 3 * d), torch.nn.Linear(d, d)
        self.fc1, self.fc2 = torch.nn.Linear(d, mlp), torch.nn.Linear(mlp, d)

    def attend(self, x, size=None):
        b, n, d = x.shape
        q, k, v = self.qkv(self.n1(x)).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        bias = None if size is None else size.log()[:, None, None, :, 0].to(x.dtype)
        return x + self.proj(F.scaled_dot_product_attention(q, k, v, attn_mask=bias).transpose(1, 2).reshape(b, n, d)), k.mean(1)

    def feed(self, x):
        return x + self.fc2(F.gelu(self.fc1(self.n2(x))))

    def forward(self, x):
        return self.feed(self.attend(x)[0])


class Llama(torch.nn.Module):
    """One LLaMA block; its weights stand for all layers, four sets in turns so that no cache holds them."""

    def __init__(self, d, heads, mlp):
        super().__init__()
        self.heads = heads
        lin = lambda a, b: torch.nn.Linear(a, b, bias=False)
        self.qkv, self.o, self.gate_up, self.down = lin(d, 3 * d), lin(d, d), lin(d, 2 * mlp), lin(mlp, d)
        self.n1, self.n2 = torch.nn.RMSNorm(d), torch.nn.RMSNorm(d)

    def forward(self, x, past=None):
        b, n, d = x.shape
        q, k, v = self.qkv(self.n1(x)).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        half = d // self.heads // 2
        angle = torch.arange(n, device=x.device)[:, None] * (10000 ** (-torch.arange(half, device=x.device) / half))
        c, s = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        rot = lambda y: torch.cat((y[..., :half] * c - y[..., half:] * s, y[..., half:] * c + y[..., :half] * s), -1)
        q, k = rot(q), rot(k)
        if past is not None:  # a cache that has room: the new row is written into it
            past[0][:, :, -1:], past[1][:, :, -1:] = k, v
            k, v = past
        a = F.scaled_dot_product_attention(q, k, v, is_causal=past is None)
        x = x + self.o(a.transpose(1, 2).reshape(b, n, d))
        g, u = self.gate_up(self.n2(x)).chunk(2, -1)
        return x + self.down(F.silu(g) * u)


def vit(name, layers, d, heads, mlp, n):
    layers, d, heads, mlp, n = (4, 128, 2, 256, 65) if tiny else (layers, d, heads, mlp, n)
    net = torch.nn.ModuleList([Block(d, heads, mlp) for _ in range(layers)]).to(dev, dt).eval()
    plain = torch.nn.Sequential(*net)
    site = layers // 4

    def pruned(x, rule):
        size = torch.ones(*x.shape[:2], 1, device=dev) if rule == "tome" else None
        for i, block in enumerate(net):
            x, keys = block.attend(x, size if rule == "tome" and i else None)
            if rule == "votes" and i == site:
                x = torch.cat((x[:, :1], saint_votes(x[:, 1:], keys[:, 1:].float(), drop=(n - 1) // 2)), 1)
            if rule == "iterative" and i == site:
                x = torch.cat((x[:, :1], saint_iterative(x[:, 1:], keys[:, 1:].float(), (n - 1) - (n - 1) // 2)), 1)
            if rule == "tome":
                x, size = tome(x, keys.float(), size, (n - 1) // 2 // layers)
                x = x.to(dt)
            x = block.feed(x)
        return x

    for b in (1,) if tiny else (1, 8, 64, 256):
        x = torch.randn(b, n, d, device=dev, dtype=dt)
        keep(f"{name} b{b} eager", lambda: plain(x))
        for rule in ("votes", "iterative", "tome"):
            if b < 256:
                keep(f"{name} b{b} {rule} half", lambda: pruned(x, rule), 9)
    return plain, d, n


def selection():
    for b in (1,) if tiny else (1, 64):
        x = torch.randn(b, 576, 1024, device=dev, dtype=dt)
        keys = torch.randn(b, 576, 64, device=dev)
        size = torch.ones(b, 576, 1, device=dev)
        keep(f"site 576 b{b} votes", lambda: saint_votes(x, keys, drop=200))
        keep(f"site 576 b{b} votes, count asked", lambda: saint_votes(x, keys, threshold=0.2))
        keep(f"site 576 b{b} iterative to 375", lambda: saint_iterative(x, keys, 375))
        keep(f"site 576 b{b} tome 200", lambda: tome(x, keys, size, 200))


def llama(name, layers, d, heads, mlp):
    layers, d, heads, mlp = (1, 128, 2, 256) if tiny else (layers, d, heads, mlp)
    sets = [Llama(d, heads, mlp).to(dev, dt).eval() for _ in range(1 if tiny else 4)]

    def run(x, past=None):
        for i in range(layers):
            x = sets[i % len(sets)](x, past[i % len(past)] if past else None)
        return x

    for image in (64,) if tiny else (576, 375, 192, 144, 64):
        x = torch.randn(1, 60 + image, d, device=dev, dtype=dt)
        keep(f"{name} prefill {image}", lambda: run(x), 7)
    past = [[torch.randn(1, heads, 640, d // heads, device=dev, dtype=dt) for _ in range(2)] for _ in range(min(layers, 8))]
    x = torch.randn(1, 1, d, device=dev, dtype=dt)
    keep(f"{name} decode step, 640 keys", lambda: run(x, past), 15)


@torch.inference_mode()
def main():
    large = vit("vit-l14-336", 23, 1024, 16, 4096, 577)
    huge = vit("vit-h14-224", 32, 1280, 16, 5120, 257)
    selection()
    llama("llava-1.5-7b", 32, 4096, 32, 11008)
    if not tiny:
        llama("llava-1.5-13b", 40, 5120, 40, 13824)
        for name, (net, d, n), batches in (("vit-h14-224", huge, (64, 1)), ("vit-l14-336", large, (64, 1, 8))):
            fast = torch.compile(net)
            for b in batches:
                x = torch.randn(b, n, d, device=dev, dtype=dt)
                keep(f"{name} b{b} compile", lambda: fast(x))


main()
