"""The classifier for training on a CPU: timm's VisionTransformer by the same names (so that its weights are the export), attention in two batched
products, values of the blocks before the last for what a teacher has to say about patches."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from net import attention
from start import positions, turned


class Attention(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(d, 3 * d), nn.Linear(d, d)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        return self.proj(attention(q, k, v).transpose(1, 2).reshape(b, n, d))


class Mlp(nn.Module):
    def __init__(self, d, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(d, hidden), nn.Linear(hidden, d)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, d, heads, hidden):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(d, 1e-6), Attention(d, heads)
        self.norm2, self.mlp = nn.LayerNorm(d, 1e-6), Mlp(d, hidden)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


def cut(x, p):
    """[b, c, side, side] -> patches [b, grid * grid, c * p * p]"""
    b, c, side, _ = x.shape
    grid = side // p
    return x.reshape(b, c, grid, p, grid, p).permute(0, 2, 4, 1, 3, 5).reshape(b, grid * grid, c * p * p)


class PatchEmbed(nn.Module):
    def __init__(self, d, patch):
        super().__init__()
        self.patch, self.proj = patch, nn.Conv2d(3, d, patch, patch)

    def forward(self, x):
        return F.linear(cut(x, self.patch).to(self.proj.weight.dtype), self.proj.weight.flatten(1), self.proj.bias)


class Photos(nn.Module):
    """shape: the arguments of timm's VisionTransformer: img_size, patch_size, embed_dim, depth, num_heads, mlp_ratio."""

    def __init__(self, shape):
        super().__init__()
        d = shape["embed_dim"]
        self.shape, self.grid = dict(shape), shape["img_size"] // shape["patch_size"]
        self.cls_token = nn.Parameter(torch.zeros(1, 1, d))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + self.grid ** 2, d))
        self.patch_embed = PatchEmbed(d, shape["patch_size"])
        self.blocks = nn.ModuleList(Block(d, shape["num_heads"], int(d * shape["mlp_ratio"])) for _ in range(shape["depth"]))
        self.norm, self.head = nn.LayerNorm(d, 1e-6), nn.Linear(d, 10)

    def forward(self, x, taps=()):
        """x normalised [b, 3, side, side] -> logits [b, 10], [patches behind block t for t in taps]"""
        x = self.patch_embed(x)
        x = torch.cat([self.cls_token.expand(len(x), 1, -1), x], 1) + self.pos_embed
        kept = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in taps:
                kept.append(x[:, 1:])
        return self.head(self.norm(x[:, 0])).float(), kept


OFFSETS = [[(-1, 0), (1, 0), (0, -1), (0, 1)], [(-1, -1), (1, -1), (-1, 1), (1, 1)], [(-2, 0), (2, 0), (0, -2), (0, 2)]]


@torch.no_grad()
def start(model, patches, sharp=1.0):
    """Start values: patches whitened by what training patches [n, 3 * p * p] look like; positions as waves in the first dimensions; four heads of
    the first blocks look at one neighbour each. All of it stays free to change."""
    d, heads = model.shape["embed_dim"], model.shape["num_heads"]
    hd = d // heads
    p = 32
    assert hd >= p and heads >= 4, "written for four heads of 32 dimensions at least"
    model.pos_embed.normal_(std=0.02)
    model.pos_embed[0, 1:, :p] += positions(model.grid)
    model.cls_token.normal_(std=0.5)
    mean = patches.mean(0)
    value, vector = torch.linalg.eigh((patches - mean).T @ (patches - mean) / len(patches))
    white = (vector / (value + 3e-3).sqrt()).T.flip(0)          # [48, 48], the strongest first; values of about one
    mixed = torch.zeros(d, len(white))
    room = d - p
    for row in range(room):                                      # the strongest as they are and turned over, then mixtures
        if row < 2 * len(white):
            mixed[p + row, row // 2] = 0.7 if row % 2 == 0 else -0.7
        else:
            mixed[p + row] = torch.randn(len(white)) * 0.7 / math.sqrt(len(white))
    mixed[:p] = torch.randn(p, len(white)) * 0.07 / math.sqrt(len(white))
    weight = mixed @ white
    model.patch_embed.proj.weight.copy_(weight.view_as(model.patch_embed.proj.weight))
    model.patch_embed.proj.bias.copy_(-weight @ mean)
    for i, block in enumerate(model.blocks):
        q, k, v = block.attn.qkv.weight.chunk(3)
        block.attn.qkv.bias.zero_()
        block.attn.proj.bias.zero_()
        nn.init.normal_(v, std=0.7 / math.sqrt(d))
        nn.init.normal_(block.attn.proj.weight, std=0.5 / math.sqrt(d))
        nn.init.normal_(block.mlp.fc1.weight, std=1.0 / math.sqrt(d))
        nn.init.normal_(block.mlp.fc2.weight, std=0.3 / math.sqrt(block.mlp.fc2.in_features))
        block.mlp.fc1.bias.zero_()
        block.mlp.fc2.bias.zero_()
        nn.init.normal_(q, std=0.7 / math.sqrt(d))
        k.copy_(0.7 * q + 0.7 * torch.randn_like(q) * 0.7 / math.sqrt(d))
        if i < len(OFFSETS):
            q[:4 * hd].normal_(std=0.01)
            k[:4 * hd].normal_(std=0.01)
            strength = math.sqrt(math.sqrt(hd) * sharp)
            for h, offset in enumerate(OFFSETS[i]):
                q[h * hd:h * hd + p, :p] += strength * turned(offset)
                k[h * hd:h * hd + p, :p] += strength * torch.eye(p)
    nn.init.normal_(model.head.weight, std=0.02)
    model.head.bias.zero_()


@torch.no_grad()
def grow(learner, values, shape, rgb):
    """Start values from a network with fewer patches per picture: `values` by name, of shape `shape`. Positions are interpolated. The new patch
    sees less of the picture than the old one did; its weights are what comes nearest (least squares over the pictures rgb u8 [n, 32, 32, 3]) to
    the old patch around the same centre."""
    from train_cifar import enlarge, normalise
    vit = learner.vit
    old, new, d = shape["img_size"] // shape["patch_size"], vit.grid, shape["embed_dim"]
    values = {k: v.float() for k, v in values.items()}
    pos = values["vit.pos_embed"]
    grid = F.interpolate(pos[:, 1:].reshape(1, old, old, d).permute(0, 3, 1, 2), size=(new, new), mode="bicubic", align_corners=False)
    values["vit.pos_embed"] = torch.cat([pos[:, :1], grid.flatten(2).transpose(1, 2)], 1)
    seen = cut(normalise(enlarge(rgb, vit.shape["img_size"])), vit.shape["patch_size"])                   # [n, new * new, 48]
    at = (torch.arange(new * 4) // 4 + 0.5) * (2 / new) - 1 + ((torch.arange(new * 4) % 4) - 1.5) / 16    # old pixels around new centres
    where = torch.stack([at.repeat(new * 4, 1), at[:, None].repeat(1, new * 4)], -1)
    wide = F.grid_sample(normalise(enlarge(rgb, 32)), where.expand(len(rgb), -1, -1, -1), padding_mode="reflection", align_corners=False)
    wanted = cut(wide, 4) @ values["vit.patch_embed.proj.weight"].flatten(1).T + values["vit.patch_embed.proj.bias"]
    x = torch.cat([seen, torch.ones_like(seen[..., :1])], -1).flatten(0, 1)
    w = torch.linalg.solve(x.T @ x + 1e-3 * len(x) * torch.eye(x.shape[1]), x.T @ wanted.flatten(0, 1))
    got = x @ w
    print(f"patches: {1 - float((got - wanted.flatten(0, 1)).var() / wanted.var()):.3f} of the old ones' variance is there", flush=True)
    values["vit.patch_embed.proj.weight"], values["vit.patch_embed.proj.bias"] = w[:-1].T.reshape(d, 3, 4, 4), w[-1]
    learner.load_state_dict(values)
