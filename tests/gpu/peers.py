"""PyTorch on the same shapes, random bf16 weights: SDPA, compiled where time allows. Medians in ms, one JSON object."""
import json
import sys
import time

import torch
import torch.nn.functional as F

START = time.time()
out = {}
torch.manual_seed(0)
dev, dt = "cuda", torch.bfloat16


def median(fn, repeat=9):
    for _ in range(3):
        fn()
    times = []
    for _ in range(repeat):
        a, b = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        a.record()
        fn()
        b.record()
        torch.cuda.synchronize()
        times.append(a.elapsed_time(b))
    return sorted(times)[len(times) // 2]


class Block(torch.nn.Module):
    def __init__(self, d, heads, mlp):
        super().__init__()
        self.heads = heads
        self.n1, self.n2 = torch.nn.LayerNorm(d), torch.nn.LayerNorm(d)
        self.qkv, self.proj = torch.nn.Linear(d, 3 * d), torch.nn.Linear(d, d)
        self.fc1, self.fc2 = torch.nn.Linear(d, mlp), torch.nn.Linear(mlp, d)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(self.n1(x)).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        x = x + self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, d))
        return x + self.fc2(F.gelu(self.fc1(self.n2(x))))


class Llama(torch.nn.Module):
    """One LLaMA block; its weights stand for all layers, two sets in turns so that no cache holds them."""

    def __init__(self, d, heads, mlp):
        super().__init__()
        self.heads = heads
        lin = lambda a, b: torch.nn.Linear(a, b, bias=False)
        self.qkv, self.o, self.gate_up, self.down = lin(d, 3 * d), lin(d, d), lin(d, 2 * mlp), lin(mlp, d)
        self.n1, self.n2 = torch.nn.RMSNorm(d), torch.nn.RMSNorm(d)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(self.n1(x)).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        h, half = d // self.heads, d // self.heads // 2
        angle = torch.arange(n, device=x.device)[:, None] * (10000 ** (-torch.arange(half, device=x.device) / half))
        c, s = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        rot = lambda y: torch.cat((y[..., :half] * c - y[..., half:] * s, y[..., half:] * c + y[..., :half] * s), -1)
        a = F.scaled_dot_product_attention(rot(q), rot(k), v, is_causal=True)
        x = x + self.o(a.transpose(1, 2).reshape(b, n, d))
        g, u = self.gate_up(self.n2(x)).chunk(2, -1)
        return x + self.down(F.silu(g) * u)


@torch.inference_mode()
def main():
    def vit(name, layers, d, heads, mlp, n, batches, compiled):
        net = torch.nn.Sequential(*[Block(d, heads, mlp) for _ in range(layers)]).to(dev, dt).eval()
        run = torch.compile(net) if compiled else net
        for b in batches:
            x = torch.randn(b, n, d, device=dev, dtype=dt)
            out[f"{name} batch {b} {'compile' if compiled else 'eager'}"] = median(lambda: run(x))

    def llama(name, layers, d, heads, mlp):
        sets = [Llama(d, heads, mlp).to(dev, dt).eval() for _ in range(4)]
        for image in (576, 375, 192, 144, 64):
            x = torch.randn(1, 60 + image, d, device=dev, dtype=dt)

            def run():
                y = x
                for i in range(layers):
                    y = sets[i % 4](y)

            out[f"{name} prefill of {image} image tokens eager"] = median(run, 5)

    vit("vit-l14-336", 23, 1024, 16, 4096, 577, (1, 8, 64, 256), False)
    vit("vit-h14-224", 32, 1280, 16, 5120, 257, (1, 8, 64, 256), False)
    llama("llava-1.5-7b", 32, 4096, 32, 11008)
    llama("llava-1.5-13b", 40, 5120, 40, 13824)
    json.dump(out, open(sys.argv[1], "w"), indent=1)
    if time.time() - START < 50:
        vit("vit-h14-224", 32, 1280, 16, 5120, 257, (64,), True)
        json.dump(out, open(sys.argv[1], "w"), indent=1)


main()
