"""The network, for training: a CLIP vision tower, a two-layer projector and a LLaMA, one module each, with many questions per picture.

What it computes for one question is what LlavaForConditionalGeneration computes (export.py shows it). Differences are in the form only:
q, k, v and gate, up are stored as one matrix each, and the questions of one picture share the work on the picture.
"""
import dataclasses
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

import scenes

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # CLIP's


@dataclasses.dataclass
class Config:
    side: int = 336
    patch: int = 14
    vit_dim: int = 192
    vit_layers: int = 12   # the feature layer is -2, as LLaVA's: the last block only serves the dense head
    vit_heads: int = 6
    vit_mlp: int = 768
    llm_dim: int = 192
    llm_layers: int = 12
    llm_heads: int = 6
    llm_mlp: int = 640
    rows: int = 832        # of the embedding
    theta: float = 1e6     # questions lie hundreds of places behind the patches they ask about: most of a head's pairs should turn slowly
    eps: float = 1e-5

    @property
    def grid(self):
        return self.side // self.patch


def attention(q, k, v, mask=None):
    """softmax(q k' / sqrt(d) + mask) v. On a CPU in bf16 two batched products are several times faster than the fused kernel's backward pass."""
    if q.dtype != torch.bfloat16 or q.is_cuda:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    b, h, n, d = q.shape
    s = torch.bmm((q * d ** -0.5).reshape(b * h, n, d), k.reshape(b * h, -1, d).transpose(1, 2))
    if mask is not None:
        s = (s.view(b, h, n, -1) + mask).view(b * h, n, -1)
    return torch.bmm(s.softmax(-1), v.reshape(b * h, -1, d)).view(b, h, n, d)


class VitBlock(nn.Module):
    def __init__(self, d, heads, mlp, eps):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(d, eps), nn.LayerNorm(d, eps)
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.fc1, self.fc2 = nn.Linear(d, mlp), nn.Linear(mlp, d)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        a = attention(q, k, v)
        x = x + self.out(a.transpose(1, 2).reshape(b, n, d))
        h = self.fc1(self.ln2(x))
        return x + self.fc2(h * torch.sigmoid(1.702 * h))


class Vit(nn.Module):
    def __init__(self, c):
        super().__init__()
        d = c.vit_dim
        self.c = c
        self.patch = nn.Linear(3 * c.patch * c.patch, d, bias=False)
        self.cls = nn.Parameter(torch.randn(d) * 0.02)
        self.pos = nn.Parameter(torch.randn(1 + c.grid * c.grid, d) * 0.02)
        self.pre, self.post = nn.LayerNorm(d, c.eps), nn.LayerNorm(d, c.eps)
        self.blocks = nn.ModuleList(VitBlock(d, c.vit_heads, c.vit_mlp, c.eps) for _ in range(c.vit_layers))
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def positions(self, grid):
        """[1 + grid * grid, d]: interpolated where the picture is smaller than the network's."""
        if grid == self.c.grid:
            return self.pos
        full = self.pos[1:].T.reshape(1, -1, self.c.grid, self.c.grid)
        small = F.interpolate(full, size=(grid, grid), mode="bicubic", align_corners=False)
        return torch.cat([self.pos[:1], small[0].flatten(1).T])

    def forward(self, rgb):
        """u8 [b, side, side, 3] -> (features of the layer before the last, output of the last), patches only."""
        b, side = rgb.shape[:2]
        p, grid = self.c.patch, side // self.c.patch
        x = (rgb.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std
        x = x.reshape(b, 3, grid, p, grid, p).permute(0, 2, 4, 1, 3, 5).reshape(b, grid * grid, 3 * p * p)
        x = torch.cat([self.cls.expand(b, 1, -1), self.patch(x).float()], 1) + self.positions(grid)
        x = self.pre(x)
        for block in self.blocks[:-1]:
            x = block(x)
        last = self.blocks[-1](x)
        return x[:, 1:], self.post(last[:, 1:])


class RmsNorm(nn.Module):
    def __init__(self, d, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(d)), eps

    def forward(self, x):
        y = x.float()
        return (y * torch.rsqrt(y.square().mean(-1, keepdim=True) + self.eps) * self.weight).to(x.dtype)


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([-b, a], -1) * sin


class LlmBlock(nn.Module):
    def __init__(self, d, heads, mlp, eps):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = RmsNorm(d, eps), RmsNorm(d, eps)
        self.qkv, self.out = nn.Linear(d, 3 * d, bias=False), nn.Linear(d, d, bias=False)
        self.up, self.down = nn.Linear(d, 2 * mlp, bias=False), nn.Linear(mlp, d, bias=False)

    def forward(self, x, cos, sin, plan):
        b, n, d = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype)
        a = plan.attend(q, k, v)
        x = x + self.out(a.transpose(1, 2).reshape(b, n, d))
        gate, up = self.up(self.ln2(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Plan:
    """Positions and who sees whom, for one Layout. `sdpa` asks twice (the head causally; the questions over everything, with a mask that is
    the same for all pictures); `flex` compiles the whole mask (cuda only). Both compute the same."""

    def __init__(self, layout, device, kind="sdpa", compiled=False):
        self.kind, self.head, self.layout = kind, layout.head, layout
        rows = layout.rows + layout.filler
        n = layout.head + rows
        slot = torch.arange(rows, device=device) // layout.width  # the filler is a slot of its own that nobody reads
        within = torch.arange(rows, device=device) % layout.width
        self.position = torch.cat([torch.arange(layout.head, device=device), layout.head + within])
        sees = torch.ones(rows, n, dtype=torch.bool, device=device)
        sees[:, layout.head:] = (slot[:, None] == slot) & (within[:, None] >= within)
        self.mask = sees
        if kind == "flex":
            from torch.nn.attention.flex_attention import create_block_mask, flex_attention
            owner = torch.cat([torch.full((layout.head,), -1, device=device), slot])

            def rule(b, h, q, k):
                return (k <= q) & ((owner[k] < 0) | (owner[k] == owner[q]))

            self.block_mask = create_block_mask(rule, None, None, n, n, device=device)
            # inside a compiled block flex_attention is compiled with it
            whole = compiled or torch.device(device).type != "cuda"
            self.flex = flex_attention if whole else torch.compile(flex_attention, dynamic=False)

    def attend(self, q, k, v):
        if self.kind == "flex":
            return self.flex(q, k, v, block_mask=self.block_mask)
        h = self.head
        first = F.scaled_dot_product_attention(q[:, :, :h], k[:, :, :h], v[:, :, :h], is_causal=True)
        return torch.cat([first, F.scaled_dot_product_attention(q[:, :, h:], k, v, attn_mask=self.mask)], 2)


class Llm(nn.Module):
    def __init__(self, c):
        super().__init__()
        d = c.llm_dim
        self.c = c
        self.embed = nn.Embedding(c.rows, d)
        self.blocks = nn.ModuleList(LlmBlock(d, c.llm_heads, c.llm_mlp, c.eps) for _ in range(c.llm_layers))
        self.norm = RmsNorm(d, c.eps)
        self.head = nn.Linear(d, c.rows, bias=False)
        hd = d // c.llm_heads
        self.register_buffer("freq", 1.0 / c.theta ** (torch.arange(0, hd, 2).float() / hd), persistent=False)

    def forward(self, x, plan):
        angle = plan.position[:, None].float() * self.freq
        angle = torch.cat([angle, angle], -1)
        cos, sin = angle.cos(), angle.sin()
        for block in self.blocks:
            x = block(x, cos, sin, plan)
        return self.norm(x)


class Llava(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.vit, self.llm = Vit(c), Llm(c)
        self.fc1, self.fc2 = nn.Linear(c.vit_dim, c.llm_dim), nn.Linear(c.llm_dim, c.llm_dim)
        self.dense = nn.Linear(c.vit_dim, scenes.CLASSES)  # what each patch shows; only for training
        self.apply(self._start)
        for block in self.vit.blocks:
            for last in (block.out, block.fc2):
                nn.init.normal_(last.weight, std=0.04 / math.sqrt(2 * len(self.vit.blocks)))
        for block in self.llm.blocks:  # larger than usual: such a small network finds out sooner where to look
            for first, share in ((block.qkv, 1.0), (block.up, 1.0), (block.out, 0.5), (block.down, 0.5)):
                nn.init.normal_(first.weight, std=share / math.sqrt(first.in_features))
        nn.init.normal_(self.vit.patch.weight, std=1 / math.sqrt(3 * c.patch * c.patch))

    @staticmethod
    def _start(m):
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=min(0.04, 0.5 / math.sqrt(m.in_features)))
            if m.bias is not None:
                nn.init.zeros_(m.bias)
        elif isinstance(m, nn.Embedding):
            nn.init.normal_(m.weight, std=0.3)

    def picture(self, rgb):
        """-> rows of the picture for the language model, logits of the dense head."""
        features, last = self.vit(rgb)
        return self.fc2(F.gelu(self.fc1(features))), self.dense(last)

    def answers(self, image, prefix, ids, at, plan):
        """Logits [b, targets, rows] at the places `at` of the question slots."""
        b = image.shape[0]
        ids = ids.long()
        before, asked = self.llm.embed(prefix), self.llm.embed(ids)
        parts = [before.expand(b, -1, -1), image.to(asked.dtype), asked]
        filler = plan.position.numel() - sum(p.shape[1] for p in parts)
        if filler:
            parts.append(asked.new_zeros(b, filler, asked.shape[-1]))
        x = self.llm(torch.cat(parts, 1), plan)
        where = (at.long() + plan.head)[..., None].expand(-1, -1, x.shape[-1])
        return self.llm.head(x.gather(1, where))


def parameters(model, dense=False):
    return sum(p.numel() for n, p in model.named_parameters() if dense or not n.startswith("dense."))


def load(path, device="cpu", which="ema"):
    """(model, checkpoint) from a file of train_vlm.py."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model = Llava(Config(**saved["config"]))
    model.load_state_dict(saved[which])
    return model.to(device).eval(), saved
