"""First half of the plan in parts: the vision tower and the projector learn the code of sight.py, patch by patch, from crops. bf16; on a CPU one thread.

    python models/train/train_sight.py --out STATE/sight --minutes 60

Crops of 12 x 12 patches keep their places in the 24 x 24 grid; --whole gives that share of the steps whole pictures.
"""
import argparse
import csv
import math
import os
import pathlib
import random
import signal
import time

import numpy
import torch
import torch.nn.functional as F

import net
import sight
import start
import vocabulary
import world

HERE = pathlib.Path(__file__).resolve().parent
SMALL = dict(vit_dim=128, vit_layers=9, vit_heads=4, vit_mlp=384, llm_dim=128, llm_layers=8, llm_heads=4, llm_mlp=320)


def tokens(vit, rgb, where):
    """Features of the layer before the last of patches `where` [b, n] whose pixels are rgb [b, n, patch * patch * 3] u8 (patch rows, columns, channels)."""
    c = vit.c
    dtype = vit.pos.dtype
    b, n = where.shape
    x = rgb.view(b, n, c.patch * c.patch, 3).float().div_(255)
    x = ((x - vit.mean.view(3)) / vit.std.view(3)).permute(0, 1, 3, 2).reshape(b, n, -1).to(dtype)
    x = torch.cat([vit.cls.expand(b, 1, -1), vit.patch(x)], 1)
    x = x + torch.cat([vit.pos[:1].expand(b, 1, -1), vit.pos[1:][where]], 1)
    x = vit.pre(x)
    for block in vit.blocks[:-1]:
        x = block(x)
    return x[:, 1:]


def project(model, features):
    return model.fc2(F.gelu(model.fc1(features)))


def patches(rgb, patch):
    g = rgb.shape[0] // patch
    return rgb.reshape(g, patch, g, patch, 3).swapaxes(1, 2).reshape(g * g, patch * patch * 3)


def facts_tensors(items):
    objects, owner, glyph, ordinal, centre = (torch.from_numpy(numpy.stack(x)) for x in zip(*items))
    return objects, owner.long(), glyph.long(), ordinal.long(), centre.long()


def network(text, settings, device, halves):
    """net.Llava in bf16 with the parts named in `halves` ("sight", "words"); settings "": SMALL, "full": the large one, or name=number,..."""
    chosen = {} if settings == "full" else {k: int(v) for k, v in (x.split("=") for x in settings.split(","))} if settings else SMALL
    model = net.Llava(net.Config(rows=text.rows, **chosen))
    del model.dense
    if "sight" not in halves:
        del model.vit, model.fc1, model.fc2
    else:
        start.vision(model.vit)
        with torch.no_grad():
            model.fc2.weight.mul_(0.3)
    if "words" not in halves:
        del model.llm
    else:
        start.language(model, text)
        freq = model.llm.freq.clone()
    model = model.to(device).bfloat16()
    if "words" in halves:
        model.llm.freq = freq.to(device)
    if "sight" in halves:
        exact_pixels(model.vit)
    return model


def exact_pixels(vit):
    vit.mean, vit.std = (torch.tensor(x, device=vit.pos.device).view(1, 3, 1, 1) for x in (net.MEAN, net.STD))


def learning(model, **others):
    """(name, parameter) of all that learns: not the block behind the feature layer, which nothing uses."""
    unused = ("vit.post.", f"vit.blocks.{model.c.vit_layers - 1}.")
    out = [("model." + n, q) for n, q in model.named_parameters() if not n.startswith(unused)]
    return out + [(f"{name}.{n}", q) for name, m in others.items() for n, q in m.named_parameters()]


class Pace:
    """How far a run is and how fast it learns. On a CPU that others use too, `minutes` are of processor time; `until` is the end by the clock, and before it
    the rate falls over `last` seconds, whatever has been done by then."""

    def __init__(self, args, device, used):
        self.a, self.clock = args, time.time if str(device).startswith("cuda") else time.process_time
        self.begin, self.first = self.clock(), used

    def look(self, step):
        """(seconds used, share of the learning rate, over?)"""
        used = self.first + self.clock() - self.begin
        progress = used / (self.a.minutes * 60)
        share = min(1.0, (step + 1) / 40) * min(1.0, max(0.02, (1 - progress) / self.a.cool))
        if self.a.until:
            share *= min(1.0, max(0.02, (self.a.until - time.time()) / max(self.a.last, 1)))
        return used, share, progress >= self.a.stop_at or bool(self.a.until and time.time() > self.a.until)


def common(p):
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--minutes", type=float, required=True, help="all calls together; without a GPU of processor time, so that others' work does not shorten the schedule")
    p.add_argument("--stop-at", type=float, default=1.0, help="end this call at this share of the minutes")
    p.add_argument("--until", type=float, default=0, help="seconds since 1970 at which to end in any case")
    p.add_argument("--last", type=float, default=0, help="the learning rate falls over so many seconds before --until")
    p.add_argument("--cool", type=float, default=0.5, help="share of the minutes over which the learning rate falls")
    p.add_argument("--lr", type=float, default=0.01, help="of Muon")
    p.add_argument("--lr-rest", type=float, default=0.002, help="of Adam")
    p.add_argument("--model", default="", help="'full', or of net.Config, e.g. vit_dim=160,...; default: the small one")
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--workers", type=int, default=0, help="processes that make batches; 0 = a thread")
    p.add_argument("--library", default=str(world.LIBRARY))
    p.add_argument("--peers", type=int, default=1, help="processes that take each step together, one call each (CPU)")
    p.add_argument("--rank", type=int, default=0)
    p.add_argument("--meet", default="/tmp/train-peers", help="a file that does not exist yet")
    p.add_argument("--tokenizer", default=str(HERE / "tokenizer.json"))
    p.add_argument("--report", type=float, default=20)
    p.add_argument("--check", type=float, default=180)


class Crops:
    def __init__(self, library, split, seed, first, batch, window, grid=24, patch=14, per=2):
        self.world, self.split, self.seed, self.index = world.World(library, grid * patch, grid), split, seed, first
        self.batch, self.window, self.grid, self.patch, self.per = batch, window, grid, patch, per
        self.random = random.Random(seed * 7919 + first)

    def make(self):
        rgb, where, facts, ground = [], [], [], []
        w, g = self.window, self.grid
        while len(rgb) < self.batch:
            s = self.world.scene(self.split, self.seed, self.index)
            self.index += 1
            picture = numpy.empty((g * self.patch, g * self.patch, 3), numpy.uint8)
            self.world.draw(s, picture)
            cells, f = patches(picture, self.patch), self.world.facts(s)
            shown = ((f[1] != world.NOTHING) + 2 * (f[2] != world.NOTHING)).reshape(g, g)
            for _ in range(self.per if w < g else 1):
                spots = [(self.random.randrange(g - w + 1), self.random.randrange(g - w + 1)) for _ in range(3 if w < g else 1)]
                y, x = max(spots, key=lambda p: shown[p[0]:p[0] + w, p[1]:p[1] + w].sum())
                at = ((numpy.arange(w) + y)[:, None] * g + numpy.arange(w) + x).reshape(-1)
                rgb.append(cells[at])
                where.append(at)
                facts.append((f[0], f[1][at], f[2][at], f[3][at], f[4]))
                ground.append(s.background)
        b = self.batch
        return torch.from_numpy(numpy.stack(rgb[:b])), torch.from_numpy(numpy.stack(where[:b])), facts_tensors(facts[:b]), torch.tensor(ground[:b]), self.index


def loss_of(model, heads, batch, rows=False):
    rgb, where, facts, ground, _ = batch
    code, weight = sight.code(facts, ground, 24, where)
    features = tokens(model.vit, rgb, where)
    image = project(model, features)
    said = image.float()
    dims = sight.weights(said.device)
    target = F.pad(code, (0, said.shape[-1] - sight.CODE))
    dims = F.pad(dims, (0, said.shape[-1] - sight.CODE), value=0.3)
    mse = ((said - target).square() * dims).sum(-1)
    mse = (mse * weight).sum() / weight.sum()
    ce, counts = sight.seen(heads(features), facts, ground, weight)
    ce = ce + sight.told(said, facts, ground, weight) + sight.one_each(said, code)
    return (mse, ce, counts, said, code, image) if rows else (mse, ce, counts, said, code)


@torch.no_grad()
def examine(model, heads, averaged, batches):
    """Share of patches with the right part, from the projector's code itself, and errors of the numbers."""
    import copy
    m, h = copy.deepcopy(model).float(), copy.deepcopy(heads).float()
    m.load_state_dict({k[6:]: v for k, v in averaged.items() if k.startswith("model.")}, strict=False)
    right, of, errors, total = {}, {}, torch.zeros(5), 0
    for batch in batches:
        mse, ce, _, said, code = loss_of(m, h, batch)
        owner, glyph = batch[2][1], batch[2][2]
        thing, letter = owner != 255, glyph != 255
        for name, (at, n) in sight.PARTS.items():
            where = thing if name in ("color", "shape") else letter if name in ("glyph", "ordinal") else torch.ones_like(thing)
            hit = said[..., at:at + n].argmax(-1) == code[..., at:at + n].argmax(-1)
            right[name] = right.get(name, 0) + int(hit[where].sum())
            of[name] = of.get(name, 0) + int(where.sum())
        centre = code[..., sight.CENTRE] > 0.5
        found = said[..., sight.CENTRE] > 0.5
        errors += torch.tensor([float((found & centre).sum() / centre.sum()), float((found & centre).sum() / found.sum().clamp(min=1)),
                                float((said - F.pad(code, (0, said.shape[-1] - 80)))[thing][:, [sight.CX, sight.CY]].square().mean().sqrt()),
                                float((said[..., sight.RADIUS] - code[..., sight.RADIUS])[thing].square().mean().sqrt()), float(mse)])
        total += 1
    e = (errors / total).tolist()
    return {**{k: right[k] / max(of[k], 1) for k in right}, "centre_found": e[0], "centre_right": e[1], "place_error": e[2], "size_error": e[3], "valid_mse": e[4]}


COLUMNS = ["seconds", "step", "pictures", "window", "lr", "mse", "ce", "kind", "color", "shape", "ground", "glyph", "ordinal", "per_s", "valid_color", "valid_shape",
           "valid_ground", "valid_glyph", "valid_ordinal", "centre_found", "centre_right", "place_error", "size_error", "valid_mse"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    common(p)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--window", type=int, default=12)
    p.add_argument("--whole", type=float, default=0.0, help="share of steps with whole pictures (batch / 4)")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(a.seed)
    text = vocabulary.Text(a.tokenizer)
    model = network(text, a.model, a.device, ["sight"])
    config = model.c
    heads = sight.Heads(config.vit_dim).to(a.device).bfloat16()
    opt = start.Optimizer(learning(model, heads=heads), a.lr, a.lr_rest)
    if a.peers > 1:
        opt.meet(a.meet, a.rank, a.peers)
    leads = a.rank == 0
    path = a.out / "checkpoint.pt"
    used, step, pictures, index = 0.0, 0, 0, 0
    if path.exists():
        s = torch.load(path, weights_only=True)
        opt.load(s["optimizer"])
        used, step, pictures, index = s["used"], s["step"], s["pictures"], s["index"] + 100
        print("continues at step", step, flush=True)
    library = world.build(a.library)
    a.seed += 1000 * a.rank
    small = lambda w: Crops(library, "train", a.seed + 10 * w, index, a.batch, a.window)
    large = lambda w: Crops(library, "train", a.seed + 10 * w + 5000, index, max(4, a.batch // 4), 24, per=1)
    ahead = {24: world.Ahead(large, a.workers // 2, 2)} if a.whole else {}
    if a.whole < 1:
        ahead[a.window] = world.Ahead(small, a.workers)
    held = Crops(library, "validation", 0, 0, 16, 24, per=1)
    valid = [world.to(held.make(), a.device) for _ in range(4)] if leads else []
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    fresh = leads and not (a.out / "curve.csv").exists()
    file = open(a.out / "curve.csv" if leads else os.devnull, "a", newline="")
    writer = csv.DictWriter(file, COLUMNS)
    if fresh:
        writer.writeheader()
    pace, choice = Pace(a, a.device, used), random.Random(step)
    sums, counts, marks = [0.0, 0.0, 0], {}, time.time()
    saved = checked = time.time()

    def save():
        torch.save({"optimizer": opt.state(), "used": used, "step": step, "pictures": pictures, "index": index, "config": vars(config)}, path.with_suffix(".new"))
        os.replace(path.with_suffix(".new"), path)

    while True:
        used, share, over = pace.look(step)
        wish = over or bool(stop)
        ending = wish and a.peers == 1
        if not ending:
            window = 24 if choice.random() < a.whole else a.window
            batch = world.to(ahead[window].next(), a.device)
            index = max(index, batch[4])
            mse, ce, n, _, _ = loss_of(model, heads, batch)
            (mse + 0.5 * ce).backward()
            opt.step(share, ending=wish)
            ending = opt.ending
            step += 1
            pictures += len(batch[0]) * a.peers
            sums[0] += float(mse.detach())
            sums[1] += float(ce.detach())
            sums[2] += 1
            for k, (r, o) in n.items():
                x = counts.setdefault(k, [0, 0])
                x[0] += r
                x[1] += o
        now = time.time()
        if now - marks > a.report or ending:
            row = {"seconds": used, "step": step, "pictures": pictures, "window": window, "lr": a.lr * share, "mse": sums[0] / max(sums[2], 1), "ce": sums[1] / max(sums[2], 1),
                   "per_s": sums[2] * a.batch * a.peers / (now - marks), **{k: r / o for k, (r, o) in counts.items()}}
            if leads and (now - checked > a.check or ending):
                row.update({k if k in COLUMNS and k not in sight.PARTS else "valid_" + k: v for k, v in examine(model, heads, opt.averaged(), valid).items()})
                checked = time.time()
            writer.writerow({k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()})
            file.flush()
            leads and print(" ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()), flush=True)
            sums, counts, marks = [0.0, 0.0, 0], {}, time.time()
        if leads and (now - saved > 120 or ending):
            save()
            saved = now
        if ending:
            break
    for x in ahead.values():
        x.close()


if __name__ == "__main__":
    main()
