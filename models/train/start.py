"""Start values and the optimiser of the CPU plan."""
import math

import torch
import torch.nn as nn

import sight
import world


# ---- vision tower: blocks that begin as convolutions ----------------------------------------------------------------------------------

PAIRS = 8  # frequencies per axis; the position takes 4 * PAIRS dimensions
OFFSETS = [[(-1, 0), (1, 0), (0, -1), (0, 1)], [(-1, -1), (1, -1), (-1, 1), (1, 1)], [(-2, 0), (2, 0), (0, -2), (0, 2)], [(-2, -2), (2, -2), (-2, 2), (2, 2)],
           [(-1, 0), (1, 0), (0, -1), (0, 1)], [(-3, 0), (3, 0), (0, -3), (0, 3)]]


def frequencies():
    return torch.logspace(math.log10(2.1), math.log10(0.1), PAIRS)


def positions(grid):
    """[grid * grid, 4 * PAIRS]: cosine and sine of x, then of y."""
    f, at = frequencies(), torch.arange(grid).float()
    one = torch.cat([(at[:, None] * f).cos(), (at[:, None] * f).sin()], 1)
    return torch.cat([one.repeat(grid, 1), one.repeat_interleave(grid, 0)], 1)


def turned(offset):
    """[4 * PAIRS, 4 * PAIRS]: takes the position of a patch to that of the patch `offset` away."""
    out = torch.zeros(4 * PAIRS, 4 * PAIRS)
    for axis, d in enumerate(offset):
        for i, f in enumerate(frequencies()):
            c, s, k = math.cos(float(f) * d), math.sin(float(f) * d), axis * 2 * PAIRS
            out[k + i, k + i], out[k + i, k + PAIRS + i] = c, -s
            out[k + PAIRS + i, k + i], out[k + PAIRS + i, k + PAIRS + i] = s, c
    return out


@torch.no_grad()
def vision(vit, sharp=1.0):
    """Positions as waves in the first dimensions; the heads of the first blocks look at neighbours at fixed offsets. All of it stays free to change."""
    c, d, p = vit.c, vit.c.vit_dim, 4 * PAIRS
    hd = d // c.vit_heads
    assert hd == p and c.vit_heads >= 4, "written for heads of 32 dimensions, four at least"
    vit.pos.normal_(std=0.02)
    vit.pos[1:, :p] += positions(c.grid)
    vit.cls.normal_(std=0.5)
    vit.patch.weight.normal_(std=0.7 / math.sqrt(3 * c.patch * c.patch))
    vit.patch.weight[:p] *= 0.1
    for i, block in enumerate(vit.blocks):
        q, k, v = block.qkv.weight.chunk(3)
        nn.init.normal_(v, std=0.7 / math.sqrt(d))
        nn.init.normal_(block.out.weight, std=0.5 / math.sqrt(d))
        nn.init.normal_(block.fc1.weight, std=1.0 / math.sqrt(d))
        nn.init.normal_(block.fc2.weight, std=0.3 / math.sqrt(block.fc2.in_features))
        if i < len(OFFSETS):
            q[:4 * hd].normal_(std=0.01)
            k[:4 * hd].normal_(std=0.01)
            nn.init.normal_(q[4 * hd:], std=0.7 / math.sqrt(d))
            nn.init.normal_(k[4 * hd:], std=0.7 / math.sqrt(d))
            strength = math.sqrt(math.sqrt(hd) * sharp)
            for h, offset in enumerate(OFFSETS[i]):
                q[h * hd:(h + 1) * hd, :p] += strength * turned(offset)
                k[h * hd:(h + 1) * hd, :p] += strength * torch.eye(p)
        else:
            nn.init.normal_(q, std=0.7 / math.sqrt(d))
            k.copy_(0.7 * q + 0.7 * torch.randn_like(q) * 0.7 / math.sqrt(d))
        for ln in (block.ln1, block.ln2):
            ln.weight.fill_(1.0)


# ---- words that begin with the code of what they name -----------------------------------------------------------------------------------

def plural(shape):
    return shape + ("es" if shape == "cross" else "s")


def named(text):
    """{token id: dimension of the code}"""
    out = {}

    def put(words, dim):
        for w in words:
            for form in (" " + w, " " + w.capitalize(), w):
                ids = text.encode(form)
                if len(ids) == 1:
                    out[ids[0]] = dim

    for i, w in enumerate(world.COLORS):
        put([w], sight.COLOR + i)
    for i, w in enumerate(world.SHAPES):
        put([w, plural(w)], sight.SHAPE + i)
    for i, w in enumerate(world.BACKGROUNDS):
        put([w], sight.GROUND + i)
    for i, w in enumerate(world.GLYPHS):
        out[text.encode(w)[0]] = sight.GLYPH + i
    put(["shape", "shapes"], sight.THING)
    for i, w in enumerate(["first", "second", "third", "fourth", "fifth", "sixth"]):
        put([w], sight.ORDINAL + i)
    return out


COUNTING = (2, 3)
SLOW = 7  # pairs before this one turn too far between a patch and a question
BACK = {0: [(2, 1), (1, 2)], 1: [(2, 1), (1, 3)], 2: [(1, 1)]}  # block: (head, counted from the last; how many places back it looks at first)


@torch.no_grad()
def language(model, text):
    llm, c, d = model.llm, model.c, model.c.llm_dim
    llm.embed.weight.normal_(std=0.05)
    llm.embed.weight[:, sight.CODE:] = torch.randn(c.rows, d - sight.CODE) * 0.6
    llm.embed.weight[:, d - 1] = 1.0  # every word has this: what a head needs that goes by distance alone
    llm.head.weight.normal_(std=0.02)
    for i, dim in named(text).items():
        llm.embed.weight[i, dim] += 1.0
        llm.head.weight[i, dim] += 0.3
    for number, block in enumerate(llm.blocks):
        hd = d // c.llm_heads
        q, k, v = block.qkv.weight.chunk(3)
        nn.init.normal_(q, std=1 / math.sqrt(d))
        nn.init.normal_(k, std=1 / math.sqrt(d))
        nn.init.normal_(v, std=1 / math.sqrt(d))
        half = c.llm_heads // 2 * hd
        q[:half] = 1.6 * q[:half]
        q[:half, sight.CODE:] = 0.0  # not the asker itself, which resembles itself most
        for head in range(c.llm_heads // 2):  # content is compared by the pairs that turn slowly
            for part in (0, hd // 2):
                q[head * hd + part:head * hd + part + SLOW] *= 0.3
                q[head * hd + part + SLOW:head * hd + part + hd // 2] *= 2.2
        k[:half] = q[:half]  # these heads begin by looking for what resembles the asker
        if number in COUNTING:  # one of them sees small things and large ones alike: a patch counts less where a thing has many
            row = hd + hd - 1  # of its slowest pair
            q[row], k[row] = 0.0, 0.0
            q[row, d - 1], k[row, sight.RADIUS] = 1.0, -0.9
        for last, back in BACK.get(number, []):
            head = c.llm_heads - last
            rows = slice(head * hd, (head + 1) * hd)
            q[rows] *= 0.1
            k[rows] *= 0.1
            for pair in range(4):
                angle = back * float(llm.freq[pair])
                q[head * hd + pair, d - 1] += 2.1 * math.cos(angle)
                q[head * hd + hd // 2 + pair, d - 1] -= 2.1 * math.sin(angle)
                k[head * hd + pair, d - 1] += 2.1
        nn.init.normal_(block.out.weight, std=0.5 / math.sqrt(d))
        nn.init.normal_(block.up.weight, std=1 / math.sqrt(d))
        nn.init.normal_(block.down.weight, std=0.5 / math.sqrt(block.down.in_features))


# ---- optimiser --------------------------------------------------------------------------------------------------------------------------

def orthogonal(g, steps=5):
    """Newton-Schulz iteration of Muon (Jordan et al. 2024): g [n, r, c] with all singular values brought near 1."""
    x = g.bfloat16()
    flip = x.shape[-2] > x.shape[-1]
    if flip:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.mT if flip else x).float()


class Optimizer:
    """Muon for the matrices of the blocks, Adam for the rest; float32 masters of a model whose own numbers may be bf16; averaged weights."""

    def __init__(self, named_parameters, lr_matrix, lr_rest, ema=0.998, pieces=None, decay=0.01):
        self.names, self.live = zip(*named_parameters)
        self.master = [p.detach().float().clone() for p in self.live]
        self.shadow = [m.clone() for m in self.master]
        self.is_matrix = [p.ndim == 2 and "blocks." in n for n, p in zip(self.names, self.live)]
        self.pieces = [3 if n.endswith("qkv.weight") else 2 if n.endswith("up.weight") else 1 for n in self.names]
        self.first = [torch.zeros_like(m) for m in self.master]
        self.second = [None if x else torch.zeros_like(m) for x, m in zip(self.is_matrix, self.master)]
        self.lr_matrix, self.lr_rest, self.ema, self.decay, self.step_number = lr_matrix, lr_rest, ema, decay, 0
        self.rates = {}  # name: share of the learning rate; 1 where there is none
        self.still = []  # (name, rows, share of the step that these rows take): Muon's steps are as large for what is right already
        self.peers = 1

    def meet(self, file, rank, peers):
        """Several processes, each with batches of its own, take every step together."""
        torch.distributed.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=peers)
        self.rank, self.peers = rank, peers

    def together(self, grads, share, ending):
        """Mean gradients, the first process's share, whether anyone wants to end."""
        sizes = [g.numel() for g in grads]
        flat = torch.cat([g.flatten() for g in grads] + [torch.tensor([share * self.peers if self.rank == 0 else 0.0, float(ending)])])
        torch.distributed.all_reduce(flat)
        flat /= self.peers
        return [x.view_as(g) for x, g in zip(flat[:-2].split(sizes), grads)], float(flat[-2]), bool(flat[-1] > 0)

    @torch.no_grad()
    def step(self, share, clip=1.0, ending=False):
        grads = [None if p.grad is None else p.grad.float() for p in self.live]
        self.ending = ending
        if self.peers > 1:
            grads, share, self.ending = self.together(grads, share, ending)
        norm = float(torch.stack([g.square().sum() for g in grads if g is not None]).sum().sqrt())
        if not math.isfinite(norm):
            self.zero()
            return norm
        cut = min(1.0, clip / (norm + 1e-6))
        self.step_number += 1
        t = self.step_number
        groups = {}
        before = [(self.master[self.names.index(n)][rows], share_, self.master[self.names.index(n)][rows].clone()) for n, rows, share_ in self.still]
        for i, g in enumerate(grads):
            if g is None:
                continue
            if self.is_matrix[i]:
                self.first[i].lerp_(g, 0.05)
                groups.setdefault((g.shape[0] // self.pieces[i], g.shape[1]), []).extend(
                    (i, k, x) for k, x in enumerate(torch.lerp(g, self.first[i], 0.95).chunk(self.pieces[i])))
            else:
                g = g * cut
                self.first[i].lerp_(g, 0.1)
                self.second[i].lerp_(g * g, 0.02)
                lr = self.lr_rest * share * self.rates.get(self.names[i], 1.0)
                self.master[i] -= lr * (self.first[i] / (1 - 0.9 ** t)) / ((self.second[i] / (1 - 0.98 ** t)).sqrt() + 1e-8)
        for (rows, cols), parts in groups.items():
            for (i, k, _), o in zip(parts, orthogonal(torch.stack([x for _, _, x in parts]))):
                lr = self.lr_matrix * share * self.rates.get(self.names[i], 1.0)
                piece = self.master[i].chunk(self.pieces[i])[k]
                piece.mul_(1 - lr * self.decay).sub_(o, alpha=lr * math.sqrt(max(1.0, rows / cols)))
        for now, part, was in before:
            now.copy_(torch.lerp(was, now, part))
        keep = min(self.ema, (1 + t) / (10 + t))
        torch._foreach_lerp_(self.shadow, self.master, 1 - keep)
        for p, m in zip(self.live, self.master):
            p.copy_(m)
        self.zero()
        return norm

    def zero(self):
        for p in self.live:
            p.grad = None

    def averaged(self):
        return dict(zip(self.names, self.shadow))

    def state(self):
        return {"names": list(self.names), "master": self.master, "shadow": self.shadow, "first": self.first, "second": self.second, "step": self.step_number}

    def load(self, s, part=False):
        """part: take what is there by name and leave the rest."""
        assert part or s["names"] == list(self.names), "another network"
        with torch.no_grad():
            for i, name in enumerate(self.names):
                if name not in s["names"]:
                    continue
                k = s["names"].index(name)
                for key in ("master", "shadow", "first", "second"):
                    mine, theirs = getattr(self, key)[i], s[key][k]
                    if mine is not None and theirs is not None:
                        mine.copy_(theirs)
                self.live[i].copy_(self.master[i])
        self.step_number = s["step"]
