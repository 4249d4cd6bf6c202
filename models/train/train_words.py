"""Second half of the CPU plan: the language model learns to answer. One thread, bf16.

    python models/train/train_words.py --out STATE/words --minutes 40                          # from the code of sight.py itself, no pictures drawn
    python models/train/train_words.py --out STATE/words --minutes 70 --sight STATE/sight      # from what the vision tower makes of pictures
    python models/train/train_words.py --out STATE/whole --minutes 30 --whole STATE/sight,STATE/words   # everything together, whole pictures

The first stage needs no vision tower, so both halves can be taught at the same time, each on a core of its own.
"""
import argparse
import copy
import csv
import math
import os
import pathlib
import signal
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

import asking
import net
import scenes
import sight
import start
import train_sight
import vocabulary
import world

HERE = pathlib.Path(__file__).resolve().parent
THINK = 5  # behind this many blocks
WEIGHT = [1.0, 1.0, 1.0, 1.0, 1.6, 0.7, 1.3]


class Packed:
    """Who sees whom in packed rows behind pictures."""

    def __init__(self, prefix, where, place, segment, grid, freq, dtype):
        b, n = where.shape
        self.head = prefix + n
        p = torch.cat([torch.arange(prefix).expand(b, -1), where + prefix, place + prefix + grid * grid], 1)
        angle = p[:, None, :, None].float() * freq
        angle = torch.cat([angle, angle], -1)
        self.cos, self.sin = angle.cos().to(dtype), angle.sin().to(dtype)
        r = segment.shape[1]
        same = (segment[:, :, None] == segment[:, None, :]) & torch.ones(r, r, dtype=torch.bool).tril()
        self.mask = torch.zeros(b, 1, r, self.head + r, dtype=dtype)
        self.mask[..., self.head:].masked_fill_(~same[:, None], -30000.0)
        self.causal = torch.full((self.head, self.head), -30000.0, dtype=dtype).triu(1)

    def attend(self, q, k, v):
        h = self.head
        return torch.cat([net.attention(q[:, :, :h], k[:, :, :h], v[:, :, :h], self.causal), net.attention(q[:, :, h:], k, v, self.mask)], 2)


class Thoughts(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.out = nn.Linear(d, sum(asking.CLASSES) + asking.NUMBERS)
        nn.init.normal_(self.out.weight, std=0.02)
        nn.init.zeros_(self.out.bias)

    def forward(self, x):
        return self.out(F.rms_norm(x, x.shape[-1:])).float()


def read(model, image, batch, prefix):
    """(hidden behind THINK blocks, hidden at the end), both of the question rows [b, r, d]."""
    llm, c = model.llm, model.c
    plan = Packed(prefix.numel(), batch["where"], batch["place"], batch["segment"], c.grid, llm.freq.float(), image.dtype)
    b = image.shape[0]
    x = torch.cat([llm.embed(prefix).expand(b, -1, -1), image, llm.embed(batch["ids"])], 1)
    middle = None
    for i, block in enumerate(llm.blocks):
        if i == THINK:
            middle = x[:, plan.head:]
        x = block(x, plan.cos, plan.sin, plan)
    return middle, llm.norm(x[:, plan.head:])


def losses(model, thoughts, image, batch, prefix):
    middle, last = read(model, image, batch, prefix)
    a = batch["answers"]
    logits = model.llm.head(last[a[:, 0], a[:, 1]]).float()
    each = F.cross_entropy(logits, a[:, 2], reduction="none")
    weight = torch.tensor(WEIGHT)[a[:, 3]] * torch.where(a[:, 4] == scenes.SHORT, 0.5, 1.0) * torch.where(a[:, 5] == 0, 1.0, 0.4)
    answer = (each * weight).sum() / weight.sum()
    right = logits.argmax(-1) == a[:, 2]
    t, n = batch["thoughts"], batch["numbers"]
    said = thoughts(middle[t[:, 0], t[:, 1]])
    parts, known = said.split(asking.CLASSES + [asking.NUMBERS], -1), {}
    think = 0.0
    for kind, part in enumerate(parts[:-1]):
        of = t[:, 2] == kind
        if bool(of.any()):
            p, y = part[of], t[of, 3]
            think = think + F.cross_entropy(p, y, reduction="sum")
            known[asking.NAMES[kind]] = (int((p.argmax(-1) == y).sum()), y.numel())
    think = think / t.shape[0]
    if len(n):
        w = thoughts(middle[n[:, 0].long(), n[:, 1].long()])[:, -asking.NUMBERS:]
        error = (w - n[:, 2:]).square().mean()
        think = think + 3.0 * error
        known["place"] = (-float(error.detach()), 1)
    return answer, think, right, known


def by_task(right, a, counts):
    first = a[:, 5] == 0
    for task in range(7):
        of = first & (a[:, 3] == task) & (a[:, 4] != scenes.SHORT)
        x = counts.setdefault(scenes.TASKS[task], [0, 0])
        x[0] += int(right[of].sum())
        x[1] += int(of.sum())
    of = first & (a[:, 4] == scenes.SHORT)
    x = counts.setdefault("short", [0, 0])
    x[0] += int(right[of].sum())
    x[1] += int(of.sum())


class Eyes:
    """Image rows for the language model: the code itself with noise, or what a vision tower gives."""

    def __init__(self, folder, noise, dtype):
        self.noise, self.model, self.folder, self.dtype, self.stamp = noise, None, folder, dtype, None
        if folder:
            self.refresh()

    def refresh(self):
        path = pathlib.Path(self.folder) / "checkpoint.pt"
        if self.stamp == path.stat().st_mtime:
            return
        s = torch.load(path, weights_only=True)
        if self.model is None:
            m = net.Llava(net.Config(**s["config"]))
            del m.llm, m.dense
            self.model = m.to(self.dtype).eval().requires_grad_(False)
            m.vit.mean, m.vit.std = m.vit.mean.float(), m.vit.std.float()
        o = s["optimizer"]
        self.model.load_state_dict({n[6:]: v for n, v in zip(o["names"], o["shadow"]) if n.startswith("model.")}, strict=False)
        self.stamp = path.stat().st_mtime

    @torch.no_grad()
    def see(self, batch, d, noise=None):
        if self.model is not None and "rgb" in batch:
            return train_sight.project(self.model, train_sight.tokens(self.model.vit, batch["rgb"], batch["where"]))
        code, _ = sight.code(batch["facts"], batch["ground"], 24, batch["where"])
        out = F.pad(code, (0, d - sight.CODE))
        noise = self.noise if noise is None else noise
        return (out + noise * torch.randn_like(out)).to(self.dtype)


def whole_loss(model, heads, batch, share):
    """(loss of the code, image rows)"""
    mse, ce, _, _, _, image = train_sight.loss_of(model, heads, (batch["rgb"], batch["where"], batch["facts"], batch["ground"], 0), rows=True)
    return share * (mse + 0.5 * ce), image


COLUMNS = ["seconds", "step", "questions", "keep", "seen", "lr", "answer", "think", *("knows_" + n for n in asking.NAMES), "knows_place", *scenes.TASKS, "short", "questions_per_s",
           *("valid_" + t for t in scenes.TASKS), "valid_short", "valid_all"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--minutes", type=float, required=True, help="of processor time, all calls together")
    p.add_argument("--stop-at", type=float, default=1.0, help="end this call at this share of the minutes")
    p.add_argument("--until", type=float, default=0)
    p.add_argument("--sight", help="folder of train_sight.py")
    p.add_argument("--whole", help="SIGHT,WORDS: the vision tower learns too, from answers and from its code; starts from these two folders")
    p.add_argument("--code", type=float, default=1.0, help="weight of the code's loss with --whole")
    p.add_argument("--peers", type=int, default=1, help="processes that take each step together, one call each")
    p.add_argument("--rank", type=int, default=0)
    p.add_argument("--meet", default="/tmp/words-peers", help="a file that does not exist yet")
    p.add_argument("--keep", type=int, default=160)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--length", type=int, default=384)
    p.add_argument("--noise", type=float, default=0.1)
    p.add_argument("--lr", type=float, default=0.01)
    p.add_argument("--lr-rest", type=float, default=0.002)
    p.add_argument("--think", type=float, default=1.0)
    p.add_argument("--cool", type=float, default=0.5)
    p.add_argument("--start", default="named", choices=["named", "plain"])
    p.add_argument("--seed", type=int, default=11)
    p.add_argument("--tokenizer", default=str(HERE / "tokenizer.json"))
    p.add_argument("--report", type=float, default=20)
    p.add_argument("--check", type=float, default=180)
    a = p.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(a.seed)
    text = vocabulary.Text(a.tokenizer)
    config = net.Config(rows=text.rows, **train_sight.SMALL)
    model, thoughts = net.Llava(config), Thoughts(config.llm_dim)
    del model.dense
    if not a.whole:
        del model.vit, model.fc1, model.fc2
    heads = sight.Heads(config.vit_dim).bfloat16() if a.whole else None
    leads, pictures = a.rank == 0, bool(a.sight or a.whole)
    if a.start == "named":
        start.language(model, text)
    freq = model.llm.freq.clone()
    model, thoughts = model.bfloat16(), thoughts.bfloat16()
    model.llm.freq = freq
    if a.whole:
        model.vit.mean, model.vit.std = model.vit.mean.float(), model.vit.std.float()
    prefix = torch.tensor(text.prefix)
    named = [("model." + n, q) for n, q in model.named_parameters()] + [("thoughts." + n, q) for n, q in thoughts.named_parameters()]
    if a.whole:
        named = [(n, q) for n, q in named if "vit.blocks.8." not in n and "vit.post." not in n] + [("heads." + n, q) for n, q in heads.named_parameters()]
    opt = start.Optimizer(named, a.lr, a.lr_rest)
    if a.peers > 1:
        opt.meet(a.meet, a.rank, a.peers)
    path = a.out / "checkpoint.pt"
    used, step, asked, index = 0.0, 0, 0, 0
    if path.exists():
        s = torch.load(path, weights_only=True)
        opt.load(s["optimizer"])
        used, step, asked, index = s["used"], s["step"], s["questions"], s["index"] + 200
        print("continues at step", step, flush=True)
    elif a.whole:
        for folder in a.whole.split(","):
            s = torch.load(pathlib.Path(folder) / "checkpoint.pt", weights_only=True)
            opt.load(s["optimizer"], part=True)
            index = max(index, s["index"] + 200)
        opt.step_number = max(opt.step_number, 1000)
    library = world.build()
    ahead = world.Ahead(asking.Rows(library, a.tokenizer, "train", a.seed + 1000 * a.rank, index, a.batch, a.length, a.keep, pictures).make)
    held = asking.Rows(library, a.tokenizer, "validation", 0, 0, 16, 768, 576, pictures)
    valid = [held.make() for _ in range(6)] if leads else []
    eyes = Eyes(a.sight, a.noise, torch.bfloat16)
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    fresh = leads and not (a.out / "curve.csv").exists()
    file = open(a.out / "curve.csv" if leads else os.devnull, "a", newline="")
    writer = csv.DictWriter(file, COLUMNS)
    if fresh:
        writer.writeheader()
    begin_cpu, first = time.process_time(), used
    sums, counts, known, marks = [0.0, 0.0, 0, 0], {}, {}, time.time()
    saved = checked = time.time()
    while True:
        used = first + time.process_time() - begin_cpu
        progress = used / (a.minutes * 60)
        wish = progress >= a.stop_at or bool(stop) or bool(a.until and time.time() > a.until)
        ending = wish and a.peers == 1
        share = min(1.0, (step + 1) / 40) * min(1.0, max(0.02, (1 - progress) / a.cool))
        if not ending:
            batch = ahead.next()
            loss, image = whole_loss(model, heads, batch, a.code) if a.whole else (0.0, eyes.see(batch, config.llm_dim))
            answer, think, right, k = losses(model, thoughts, image, batch, prefix)
            (answer + a.think * think + loss).backward()
            opt.step(share, ending=wish)
            ending = opt.ending
            step += 1
            index = batch["index"]
            n = int((batch["answers"][:, 5] == 0).sum())
            asked += n * a.peers
            for i, v in enumerate((float(answer.detach()), float(think.detach()), 1, n)):
                sums[i] += v
            by_task(right, batch["answers"], counts)
            for name, (r, o) in k.items():
                x = known.setdefault(name, [0, 0])
                x[0] += r
                x[1] += o
        now = time.time()
        if now - marks > a.report or ending:
            row = {"seconds": used, "step": step, "questions": asked, "keep": a.keep, "seen": int(pictures), "lr": a.lr * share, "answer": sums[0] / max(sums[2], 1),
                   "think": sums[1] / max(sums[2], 1), "questions_per_s": sums[3] * a.peers / (now - marks), **{"knows_" + k: r / max(o, 1) for k, (r, o) in known.items()}, **{k: r / max(o, 1) for k, (r, o) in counts.items()}}
            if leads and (now - checked > a.check or ending):
                m = copy.deepcopy(model)
                m.load_state_dict({k[6:]: v for k, v in opt.averaged().items() if k.startswith("model.")}, strict=False)
                vc = {}
                with torch.no_grad():
                    for b in valid:
                        image = train_sight.project(m, train_sight.tokens(m.vit, b["rgb"], b["where"])) if a.whole else eyes.see(b, config.llm_dim, 0.0)
                        _, _, right, _ = losses(m, thoughts, image, b, prefix)
                        by_task(right, b["answers"], vc)
                row.update({"valid_" + k: r / max(o, 1) for k, (r, o) in vc.items()})
                yes_no = [v for k, v in vc.items() if k != "short"]
                row["valid_all"] = sum(r / max(o, 1) for r, o in yes_no) / 7
                checked = time.time()
                if a.sight:
                    eyes.refresh()
            writer.writerow({k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()})
            file.flush()
            leads and print(" ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()), flush=True)
            sums, counts, known, marks = [0.0, 0.0, 0, 0], {}, {}, time.time()
        if leads and (now - saved > 120 or ending):
            torch.save({"optimizer": opt.state(), "used": used, "step": step, "questions": asked, "index": index, "config": vars(config)}, path.with_suffix(".new"))
            os.replace(path.with_suffix(".new"), path)
            saved = now
        if ending:
            break
    ahead.close()


if __name__ == "__main__":
    main()
