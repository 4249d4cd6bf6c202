"""Second half of the plan in parts: the language model learns to answer. bf16; on a CPU one thread.

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
def asked_behind(layers):
    """Behind how many blocks the thoughts of asking.DEPTH are asked for."""
    return [layers // 4, layers // 2, 3 * layers // 4]
WEIGHT = [1.2, 2.0, 0.9, 0.8, 1.6, 0.6, 1.2]


class Packed:
    """Who sees whom in packed rows behind pictures. Attention goes chunk by chunk, so that what nobody sees is hardly computed."""
    CHUNK = 192

    def __init__(self, prefix, where, place, segment, grid, freq, dtype):
        b, n = where.shape
        self.head = prefix + n
        p = torch.cat([torch.arange(prefix, device=where.device).expand(b, -1), where + prefix, place + prefix + grid * grid], 1)
        angle = p[:, None, :, None].float() * freq
        angle = torch.cat([angle, angle], -1)
        self.cos, self.sin = angle.cos().to(dtype), angle.sin().to(dtype)
        parts = []  # row by row of CHUNK places: where the questions that these belong to begin, and which of those places they do not see
        r, device = segment.shape[1], where.device
        for at in range(0, r, self.CHUNK):
            end = min(at + self.CHUNK, r)
            first = max(0, at - int(place[:, at].max()))
            row, column = torch.arange(at, end, device=device)[:, None], torch.arange(first, end, device=device)
            sees = (segment[:, at:end, None] == segment[:, None, first:end]) & (column <= row)
            parts.append((at, end, first, torch.zeros_like(sees, dtype=dtype).masked_fill_(~sees, -30000.0)[:, None]))
        self.parts = parts
        self.causal = torch.full((self.CHUNK, self.CHUNK), -30000.0, dtype=dtype, device=device).triu(1)

    def some(self, q, k, v, mask):
        """Attention whose mask concerns the last keys only."""
        b, h, n, d = q.shape
        if q.is_cuda or q.dtype != torch.bfloat16:
            return net.attention(q, k, v, F.pad(mask, (k.shape[2] - mask.shape[-1], 0)))
        s = torch.bmm((q * d ** -0.5).reshape(b * h, n, d), k.reshape(b * h, -1, d).transpose(1, 2)).view(b, h, n, -1)
        s[..., -mask.shape[-1]:] += mask
        return torch.bmm(s.softmax(-1).view(b * h, n, -1), v.reshape(b * h, -1, d)).view(b, h, n, d)

    def attend(self, q, k, v):
        h, out = self.head, []
        for at in range(0, h, self.CHUNK):
            end = min(at + self.CHUNK, h)
            out.append(self.some(q[:, :, at:end], k[:, :, :end], v[:, :, :end], self.causal[:end - at, :end - at]))
        for at, end, first, mask in self.parts:
            keys = [torch.cat([x[:, :, :h], x[:, :, h + first:h + end]], 2) for x in (k, v)]
            out.append(self.some(q[:, :, h + at:h + end], *keys, mask))
        return torch.cat(out, 2)


class Thoughts(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.out = nn.ModuleList(nn.Linear(d, sum(asking.CLASSES) + asking.NUMBERS) for _ in range(3))
        for m in self.out:
            nn.init.normal_(m.weight, std=0.02)
            nn.init.zeros_(m.bias)

    def forward(self, x, depth):
        return self.out[depth](F.rms_norm(x, x.shape[-1:])).float()


def read(model, image, batch, prefix):
    """([hidden where thoughts are asked for], hidden at the end), all of the question rows [b, r, d]."""
    llm, c = model.llm, model.c
    plan = Packed(prefix.numel(), batch["where"], batch["place"], batch["segment"], c.grid, llm.freq.float(), image.dtype)
    b = image.shape[0]
    x = torch.cat([llm.embed(prefix).expand(b, -1, -1), image, llm.embed(batch["ids"])], 1)
    between = []
    for i, block in enumerate(llm.blocks):
        if i in asked_behind(len(llm.blocks)):
            between.append(x[:, plan.head:])
        x = block(x, plan.cos, plan.sin, plan)
    return between, llm.norm(x[:, plan.head:])


def losses(model, thoughts, image, batch, prefix):
    between, last = read(model, image, batch, prefix)
    a = batch["answers"]
    logits = model.llm.head(last[a[:, 0], a[:, 1]]).float()
    each = F.cross_entropy(logits, a[:, 2], reduction="none")
    weight = torch.tensor(WEIGHT, device=a.device)[a[:, 3]] * torch.where(a[:, 4] == scenes.SHORT, 0.5, 1.0) * torch.where(a[:, 5] == 0, 1.0, 0.4)
    answer = (each * weight).sum() / weight.sum()
    right = logits.argmax(-1) == a[:, 2]
    t, n = batch["thoughts"], batch["numbers"]
    starts = [0]
    for c in asking.CLASSES:
        starts.append(starts[-1] + c)
    thought, known = 0.0, {}
    for depth, hidden in enumerate(between):
        for kind in [k for k, d in enumerate(asking.DEPTH) if d == depth]:
            of = t[t[:, 2] == kind]
            if not len(of):
                continue
            p = thoughts(hidden[of[:, 0], of[:, 1]], depth)[:, starts[kind]:starts[kind + 1]]
            each = F.cross_entropy(p, of[:, 3], reduction="none")
            if kind == asking.COUNT:  # most words name one thing or none
                each = each * torch.where(of[:, 3] > 1, 3.0, 1.0)
            thought = thought + each.sum() / t.shape[0]
            known[asking.NAMES[kind]] = (int((p.argmax(-1) == of[:, 3]).sum()), of.shape[0])
        of = n[n[:, 2] == depth] if len(n) else n
        if len(of):
            said = thoughts(hidden[of[:, 0].long(), of[:, 1].long()], depth)[:, -asking.NUMBERS:]
            error = (said - of[:, 3:]).square().mean()
            thought = thought + 2.0 * error
            known["apart" if depth == 2 else "place"] = (-float(error.detach()), 1)
    return answer, thought, right, known


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


def rows_of(model, batch):
    """Image rows of the patches batch["where"]; the tower sees the whole picture."""
    rgb, where = batch["rgb"], batch["where"]
    b, n = rgb.shape[:2]
    out = train_sight.tokens(model.vit, rgb, torch.arange(n, device=rgb.device).expand(b, n))
    if n != where.shape[1]:
        out = out.gather(1, where[..., None].expand(-1, -1, out.shape[-1]))
    return train_sight.project(model, out)


class Eyes:
    """Image rows for the language model: the code itself with noise, or what a vision tower gives."""

    def __init__(self, folder, noise, dtype, device):
        self.noise, self.model, self.folder, self.dtype, self.stamp, self.device = noise, None, folder, dtype, None, device
        if folder:
            self.refresh()

    def refresh(self):
        path = pathlib.Path(self.folder) / "checkpoint.pt"
        if self.stamp == path.stat().st_mtime:
            return
        s = torch.load(path, map_location=self.device, weights_only=True)
        if self.model is None:
            m = net.Llava(net.Config(**s["config"]))
            del m.llm, m.dense
            self.model = m.to(self.device).to(self.dtype).eval().requires_grad_(False)
            train_sight.exact_pixels(m.vit)
        o = s["optimizer"]
        self.model.load_state_dict({n[6:]: v for n, v in zip(o["names"], o["shadow"]) if n.startswith("model.")}, strict=False)
        self.stamp = path.stat().st_mtime

    @torch.no_grad()
    def see(self, batch, d, noise=None):
        if self.model is not None and "rgb" in batch:
            return rows_of(self.model, batch)
        code, _ = sight.code(batch["facts"], batch["ground"], 24, batch["where"])
        out = F.pad(code, (0, d - sight.CODE))
        noise = self.noise if noise is None else noise
        return (out + noise * torch.randn_like(out)).to(self.dtype)


def whole_loss(model, heads, batch, share):
    """(loss of the code, image rows)"""
    mse, ce, _, _, _, image = train_sight.loss_of(model, heads, (batch["rgb"], batch["where"], batch["facts"], batch["ground"], 0), rows=True)
    return share * (mse + 0.5 * ce), image


COLUMNS = ["seconds", "step", "questions", "keep", "seen", "lr", "answer", "think", *("knows_" + n for n in asking.NAMES), "knows_place", "knows_apart", *scenes.TASKS, "short", "questions_per_s",
           *("valid_" + t for t in scenes.TASKS), "valid_short", "valid_all"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    train_sight.common(p)
    p.add_argument("--sight", help="folder of train_sight.py")
    p.add_argument("--begin", help="folder to take what has the same name from, when --out holds nothing")
    p.add_argument("--whole", help="SIGHT,WORDS: the vision tower learns too, from answers and from its code; starts from these two folders")
    p.add_argument("--code", type=float, default=1.0, help="weight of the code's loss with --whole")
    p.add_argument("--keep", type=int, default=160, help="patches that the language model gets while training; it is always examined with all")
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--length", type=int, default=384)
    p.add_argument("--noise", type=float, default=0.1)
    p.add_argument("--brief", type=float, default=0.0, help="share of the yes/no pairs asked in the wording of `mme:` (asking.BRIEF)")
    p.add_argument("--tower-rate", type=float, default=1.0, help="with --whole: learning rate of tower and projector, as a share of the language model's")
    p.add_argument("--ema", type=float, default=0.998, help="of the averaged weights; less for a short last stage")
    p.add_argument("--still", default="", help="BLOCK:HEAD,...: what these heads look for (their query and key rows) learns a fifth as fast; for heads set by hand")
    p.add_argument("--think", type=float, default=1.0, help="weight of the thoughts")
    p.add_argument("--seed", type=int, default=11)
    a = p.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(a.seed)
    text = vocabulary.Text(a.tokenizer)
    model = train_sight.network(text, a.model, a.device, ["sight", "words"] if a.whole else ["words"])
    config = model.c
    thoughts = Thoughts(config.llm_dim).to(a.device).bfloat16()
    heads = sight.Heads(config.vit_dim).to(a.device).bfloat16() if a.whole else None
    leads, pictures = a.rank == 0, bool(a.sight or a.whole)
    prefix = torch.tensor(text.prefix, device=a.device)
    opt = start.Optimizer(train_sight.learning(model, thoughts=thoughts, **({"heads": heads} if a.whole else {})), a.lr, a.lr_rest, a.ema)
    opt.rates.update({n: a.tower_rate for n in opt.names if n.startswith(("model.vit.", "model.fc1.", "model.fc2.", "heads."))})
    size = config.llm_dim // config.llm_heads
    for block, head in (map(int, x.split(":")) for x in a.still.split(",") if x):
        for part in (0, config.llm_dim):
            opt.still.append((f"model.llm.blocks.{block}.qkv.weight", slice(part + head * size, part + (head + 1) * size), 0.2))
    if a.peers > 1:
        opt.meet(a.meet, a.rank, a.peers)
    path = a.out / "checkpoint.pt"
    used, step, asked, index = 0.0, 0, 0, 0
    if path.exists():
        s = torch.load(path, map_location=a.device, weights_only=True)
        opt.load(s["optimizer"])
        used, step, asked, index = s["used"], s["step"], s["questions"], s["index"] + 200
        print("continues at step", step, flush=True)
    elif a.whole or a.begin:
        for folder in (a.whole or a.begin).split(","):
            s = torch.load(pathlib.Path(folder) / "checkpoint.pt", map_location=a.device, weights_only=True)
            opt.load(s["optimizer"], part=True)
            index = max(index, s["index"] + 200)
        opt.step_number = max(opt.step_number, 1000)
    library = world.build(a.library)
    ahead = world.Ahead(lambda w: asking.Rows(library, a.tokenizer, "train", a.seed + 1000 * a.rank + 10 * w, index, a.batch, a.length, a.keep, pictures, brief=a.brief), a.workers)
    held = asking.Rows(library, a.tokenizer, "validation", 0, 0, 16, 768, 576, pictures)
    valid = [world.to(held.make(), a.device) for _ in range(3)] if leads else []
    eyes = Eyes(a.sight, a.noise, torch.bfloat16, a.device)
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    fresh = leads and not (a.out / "curve.csv").exists()
    file = open(a.out / "curve.csv" if leads else os.devnull, "a", newline="")
    writer = csv.DictWriter(file, COLUMNS)
    if fresh:
        writer.writeheader()
    pace = train_sight.Pace(a, a.device, used)
    sums, counts, known, marks = [0.0, 0.0, 0, 0], {}, {}, time.time()
    saved = checked = time.time()
    while True:
        used, share, over = pace.look(step)
        wish = over or bool(stop)
        ending = wish and a.peers == 1
        if not ending:
            batch = world.to(ahead.next(), a.device)
            loss, image = whole_loss(model, heads, batch, a.code) if a.whole else (0.0, eyes.see(batch, config.llm_dim))
            answer, think, right, k = losses(model, thoughts, image, batch, prefix)
            (answer + a.think * think + loss).backward()
            opt.step(share, ending=wish)
            ending = opt.ending
            step += 1
            index = max(index, batch["index"])
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
                        image = rows_of(m, b) if a.whole else eyes.see(b, config.llm_dim, 0.0)
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
