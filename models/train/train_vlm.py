"""Trains the embedded model on Scenes, in a time box, and continues where it was stopped.

    python models/train/train_vlm.py --out STATE --minutes 20             # from nothing, or from STATE's last checkpoint
    python models/train/train_vlm.py --out STATE --minutes 8 --until 0.4  # the first 40 % of the schedule; call again for the rest

The schedule (learning rate, picture sizes, weight of the dense head) runs over `progress` 0..1. A call moves it from where the checkpoint
stands to --until, evenly over its minutes, whatever the machine's speed; curve.csv says how many steps and records that were.
"""
import argparse
import contextlib
import copy
import csv
import dataclasses
import json
import math
import os
import pathlib
import signal
import subprocess
import sys
import time

import torch
import torch.nn.functional as F

import net
import scenes
import vocabulary

HERE = pathlib.Path(__file__).resolve().parent
COLUMNS = ["seconds", "progress", "step", "records", "side", "lr", "loss_answers", "loss_dense", "train_yes_no", "train_short_first", "train_patches",
           "records_per_s", "waited", "valid_yes_no", "valid_short_first", "valid_patches", *("valid_" + t for t in scenes.TASKS)]


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", type=pathlib.Path, required=True, help="folder of checkpoint.pt and curve.csv")
    p.add_argument("--saint", default=str(HERE.parents[1] / "build/release/app/saint"))
    p.add_argument("--tokenizer", default=str(HERE / "tokenizer.json"))
    p.add_argument("--minutes", type=float, required=True, help="wall time of this call, start and last checkpoint included")
    p.add_argument("--until", type=float, default=1.0, help="progress at the end of this call")
    p.add_argument("--phases", default="168:128:0.25,336:128:0.7,336:256:1", help="side:batch:until, comma separated")
    p.add_argument("--micro", type=int, default=128, help="pictures that pass at once")
    p.add_argument("--model", default="", help="of net.Config, e.g. side=112,vit_layers=2,llm_layers=2")
    p.add_argument("--slots", type=int, default=20, help="questions per picture")
    p.add_argument("--width", type=int, default=28, help="tokens of a question with its answer, at most")
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--decay", type=float, default=0.05)
    p.add_argument("--warm", type=float, default=0.02, help="progress over which the learning rate rises")
    p.add_argument("--dense-only", type=float, default=0.10, help="progress up to which only the vision tower learns")
    p.add_argument("--ema", type=float, default=0.999)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--workers", type=int, default=0, help="0 = CPUs - 1")
    p.add_argument("--valid", type=int, default=768, help="validation records")
    p.add_argument("--valid-minutes", type=float, default=1.5)
    p.add_argument("--save-minutes", type=float, default=2.0)
    p.add_argument("--attention", default="auto", choices=["auto", "sdpa", "flex"])
    p.add_argument("--compile", default="auto", choices=["auto", "on", "off"])
    p.add_argument("--amp", default="auto", choices=["auto", "on", "off"], help="bf16 autocast; auto = on a GPU")
    p.add_argument("--init", help="weights to start from when --out holds no checkpoint: a checkpoint.pt or an exported folder")
    p.add_argument("--at", type=float, default=0.0, help="progress to start at with --init: what the lost run had reached")
    p.add_argument("--probe", help=argparse.SUPPRESS)
    return p.parse_args()


class Schedule:
    def __init__(self, args):
        self.a = args
        self.phases = [(int(s), int(b), float(u)) for s, b, u in (x.split(":") for x in args.phases.split(","))]

    def phase(self, progress):
        return next(((s, b) for s, b, until in self.phases if progress < until), self.phases[-1][:2])

    def lr(self, progress):
        warm = min(1.0, (progress + 1e-4) / self.a.warm) if self.a.warm else 1.0
        return self.a.lr * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))

    def dense(self, progress):
        return 1.0 if progress < self.a.dense_only else 0.1 + 0.4 * (1 - progress)


def make_optimizer(model, args, device):
    decayed = [p for n, p in model.named_parameters() if p.ndim >= 2 and "embed" not in n and not n.endswith(("pos", "cls"))]
    rest = [p for n, p in model.named_parameters() if not any(p is q for q in decayed)]
    return torch.optim.AdamW([{"params": decayed, "weight_decay": args.decay}, {"params": rest, "weight_decay": 0.0}], lr=args.lr, betas=(0.9, 0.98),
                             fused=device == "cuda")


# How often the records ask each task differs (a text is on a third of the pictures); these weights bring the tasks together.
WEIGHT = [0.7, 1.0, 1.0, 0.9, 2.5, 0.6, 1.5]


def dense_groups(device):
    """[2, classes]: the colour and the shape of every class; backgrounds and glyphs are groups of their own in both."""
    kind = torch.arange(scenes.CLASSES, device=device)
    thing = (kind >= 8) & (kind < 88)
    return torch.stack([torch.where(thing, 200 + (kind - 8) % 8, kind), torch.where(thing, 200 + (kind - 8) // 8, kind)])


def dense_loss(logits, label):
    """Which class each patch shows, plus the same question for colour alone and shape alone: 80 combinations share what they have in common."""
    rare = torch.ones(scenes.CLASSES, device=label.device)
    rare[:8] = 0.15  # nine patches of ten are background
    rare[88:] = 1.5
    weight = rare[label]
    each = F.cross_entropy(logits, label, reduction="none")
    share = logits.softmax(-1)
    for group in dense_groups(label.device):
        same = (group[:, None] == group).to(share.dtype)
        right = (share @ same).gather(1, label[:, None])[:, 0]
        each = each - right.clamp(min=1e-6).log()
    return (each * weight).sum() / weight.sum() / 3


def losses(model, batch, prefix, plan, with_answers):
    """(answers, dense, counts): counts = right and asked yes/no, right and asked short (first tokens), right and all patches
    that show an object or a letter."""
    image, dense = model.picture(batch["rgb"])
    label = batch["label"].flatten(1).long()
    loss_dense = dense_loss(dense.float().flatten(0, 1), label.flatten())
    things = label >= 8
    zero = torch.zeros((), device=label.device)
    counts = [zero, zero, zero, zero, ((dense.argmax(-1) == label) & things).sum(), things.sum()]
    if not with_answers:
        return zero, loss_dense, counts
    logits = model.answers(image, prefix, batch["ids"], batch["at"], plan).float()
    target = batch["target"].long()
    weight = (target >= 0).float()
    slots = batch["kind"].shape[1]
    weight[:, slots:] *= 0.5  # what follows the first token is easy: mostly the end of the text
    slot = batch["at"].long() // plan.layout.width
    weight *= torch.tensor(WEIGHT, device=weight.device)[batch["task"].long().gather(1, slot)]
    each = F.cross_entropy(logits.flatten(0, 1), target.clamp(min=0).flatten(), reduction="none").view_as(weight)
    right = logits[:, :slots].argmax(-1) == target[:, :slots]
    yes_no, short = batch["kind"] < 2, batch["kind"] == scenes.SHORT
    counts[:4] = [(right & yes_no).sum(), yes_no.sum(), (right & short).sum(), short.sum()]
    return (each * weight).sum() / weight.sum(), loss_dense, counts


class Trainer:
    def __init__(self, args, device):
        self.a, self.device, self.schedule = args, device, Schedule(args)
        self.text = vocabulary.Text(args.tokenizer)
        settings = {k: int(v) for k, v in (x.split("=") for x in args.model.split(",") if x)}
        self.config = net.Config(**{"rows": self.text.rows, **settings})
        torch.manual_seed(args.seed)
        self.model = net.Llava(self.config).to(device)
        self.shadow = copy.deepcopy(self.model).requires_grad_(False).eval()
        self.optimizer = make_optimizer(self.model, args, device)
        self.prefix = torch.tensor(self.text.prefix, device=device)
        amp = args.amp == "on" or (args.amp == "auto" and device == "cuda")
        self.autocast = (lambda: torch.autocast(device, torch.bfloat16)) if amp else contextlib.nullcontext
        self.progress, self.step, self.records, self.seconds = 0.0, 0, 0, 0.0
        self.attention, self.compiled, self.plans = "sdpa", False, {}

    def use(self, attention, compiled):
        self.attention, self.compiled = attention, compiled
        if compiled:
            for block in [*self.model.vit.blocks, *self.model.llm.blocks]:
                block.compile(dynamic=False)

    def layout(self, side):
        return scenes.Layout(side // self.config.patch, len(self.text.prefix), self.a.slots, self.a.width)

    def plan(self, side, attention=None):
        key = side, attention or self.attention
        if key not in self.plans:
            self.plans[key] = net.Plan(self.layout(side), self.device, key[1], self.compiled)
        return self.plans[key]

    def learn(self, batch, side, progress):
        """One step; returns sums for the log, on the device."""
        with_answers = progress >= self.a.dense_only
        plan, n = self.plan(side), batch["rgb"].shape[0]
        sums = torch.zeros(8, device=self.device)
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.lr(progress)
        self.optimizer.zero_grad(set_to_none=True)
        for begin in range(0, n, self.a.micro):
            part = {k: v[begin:begin + self.a.micro] for k, v in batch.items()}
            share = part["rgb"].shape[0] / n
            with self.autocast():
                answers, dense, counts = losses(self.model, part, self.prefix, plan, with_answers)
            ((answers + self.schedule.dense(progress) * dense) * share).backward()
            sums += torch.stack([answers.detach().float() * share, dense.detach().float() * share, *(c.float() for c in counts)])
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        keep = min(self.a.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.shadow.parameters()), list(self.model.parameters()), 1 - keep)
        return sums

    @torch.no_grad()
    def validate(self, batches, side):
        """Accuracy of the averaged weights: {column: value}."""
        right, asked = torch.zeros(len(scenes.TASKS)), torch.zeros(len(scenes.TASKS))
        all_counts = torch.zeros(6)
        plan = self.plan(side, "sdpa")
        for batch in batches:
            with self.autocast():
                image, dense = self.shadow.picture(batch["rgb"])
                logits = self.shadow.answers(image, self.prefix, batch["ids"], batch["at"][:, :self.a.slots], plan)
            hit = logits.argmax(-1) == batch["target"][:, :self.a.slots]
            yes_no, short = batch["kind"] < 2, batch["kind"] == scenes.SHORT
            label = batch["label"].flatten(1)
            all_counts += torch.tensor([float(x) for x in ((hit & yes_no).sum(), yes_no.sum(), (hit & short).sum(), short.sum(),
                                                           ((dense.argmax(-1) == label) & (label >= 8)).sum(), (label >= 8).sum())])
            for t in range(len(scenes.TASKS)):
                of = yes_no & (batch["task"] == t)
                right[t] += (hit & of).sum().cpu()
                asked[t] += of.sum().cpu()
        rate = [(all_counts[i] / all_counts[i + 1].clamp(min=1)).item() for i in (0, 2, 4)]
        return {"valid_yes_no": rate[0], "valid_short_first": rate[1], "valid_patches": rate[2],
                **{"valid_" + t: (right[i] / asked[i].clamp(min=1)).item() for i, t in enumerate(scenes.TASKS)}}

    # ---- checkpoints ----

    def save(self):
        path = self.a.out / "checkpoint.pt"
        state = {"config": dataclasses.asdict(self.config), "model": self.model.state_dict(), "ema": self.shadow.state_dict(),
                 "optimizer": self.optimizer.state_dict(), "progress": self.progress, "step": self.step, "records": self.records,
                 "seconds": self.seconds, "random": torch.get_rng_state(), "workers": self.a.workers, "args": {k: str(v) for k, v in vars(self.a).items()}}
        with open(path.with_suffix(".new"), "wb") as f:
            torch.save(state, f)
            f.flush()
            os.fsync(f.fileno())
        os.replace(path.with_suffix(".new"), path)

    def resume(self):
        path = self.a.out / "checkpoint.pt"
        if path.exists():
            saved = torch.load(path, map_location="cpu", weights_only=True)
            if saved["config"] != dataclasses.asdict(self.config):
                raise SystemExit(f"{path}: another network: {saved['config']}; use another --out")
            self.model.load_state_dict(saved["model"])
            self.shadow.load_state_dict(saved["ema"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.progress, self.step, self.records, self.seconds = (saved[k] for k in ("progress", "step", "records", "seconds"))
            torch.set_rng_state(saved["random"])
            print(f"continues at step {self.step}, progress {self.progress:.3f}", flush=True)
        elif self.a.init:
            import export
            state = export.read_weights(self.a.init, self.config)
            for m in (self.model, self.shadow):
                missing, unexpected = m.load_state_dict(state, strict=False)
                assert not unexpected and all(k.startswith("dense.") for k in missing), (missing, unexpected)
            self.progress = self.a.at
            self.records = int(self.a.at * 2e7)  # other records than the lost run saw
            print(f"starts from {self.a.init} at progress {self.progress}", flush=True)


# ---- which attention, and whether to compile: measured in processes of their own, so that a crash or a hang costs a try only -------------

def probe(args, device):
    """Runs a few steps in one setting and prints pictures per second and the loss."""
    attention, compiled = args.probe.split(",")
    t = Trainer(args, device)
    t.use(attention, compiled == "on")
    side, batch = t.schedule.phases[-1][0], args.micro
    layout = t.layout(side)
    g = torch.Generator().manual_seed(3)
    shape = {n: s for n, _, s in layout.fields(batch, side)}
    b = {"rgb": torch.randint(0, 256, shape["rgb"], generator=g, dtype=torch.uint8), "label": torch.randint(0, 124, shape["label"], generator=g,
         dtype=torch.uint8), "ids": torch.randint(300, 800, shape["ids"], generator=g).short(),
         "at": torch.randint(0, layout.rows, shape["at"], generator=g).short(), "target": torch.randint(300, 800, shape["target"], generator=g).short(),
         "task": torch.zeros(shape["task"], dtype=torch.uint8), "kind": torch.zeros(shape["kind"], dtype=torch.uint8)}
    b = {k: v.to(device) for k, v in b.items()}
    loss = [float(t.learn(b, side, 0.5)[0]) for _ in range(3)]
    begin, n = time.time(), 4
    for _ in range(n):
        last = t.learn(b, side, 0.5)
    loss.append(float(last[0]))
    print("PROBE", json.dumps({"per_s": n * batch / (time.time() - begin), "loss": loss,
                               "peak_gb": torch.cuda.max_memory_allocated() / 1e9 if device == "cuda" else 0}), flush=True)


def choose_speed(args, device):
    """(attention, compiled). The choice is kept beside the checkpoint."""
    if device != "cuda":
        return "sdpa" if args.attention == "auto" else args.attention, args.compile == "on"
    kept = args.out / "speed.json"
    allowed = [(a, c) for a, c in (("sdpa", "on"), ("flex", "on"), ("sdpa", "off"), ("flex", "off")) if args.attention in ("auto", a) and
               args.compile in ("auto", c)]
    found = json.loads(kept.read_text()) if kept.exists() else {}
    for attention, compiled in allowed if not found else []:
        if compiled == "off" and any("per_s" in v for v in found.values()):
            break  # slower; only for when nothing compiles
        begin = time.time()
        try:
            done = subprocess.run([sys.executable, __file__, *sys.argv[1:], "--probe", f"{attention},{compiled}"], capture_output=True, text=True, timeout=120)
            line = [x for x in done.stdout.splitlines() if x.startswith("PROBE ")]
            result = json.loads(line[0][6:]) if line else {"error": done.stderr[-600:]}
        except subprocess.TimeoutExpired:
            result = {"error": "took too long"}
        found[f"{attention},{compiled}"] = result
        print(f"speed: {attention}, compile {compiled}: {result} ({time.time() - begin:.0f} s)", flush=True)
    kept.write_text(json.dumps(found, indent=1))
    good = {k: v for k, v in found.items() if "per_s" in v and all(math.isfinite(x) for x in v["loss"])}
    if not good:
        raise SystemExit(f"no setting works: {found}")
    plain = next((good[k]["loss"] for k in ("sdpa,off", "sdpa,on") if k in good), None)
    if plain:  # another kernel may differ in rounding, not in what it computes
        good = {k: v for k, v in good.items() if all(abs(x - y) < 0.03 * abs(y) + 0.02 for x, y in zip(v["loss"], plain))}
    best = max(good, key=lambda k: good[k]["per_s"]).split(",")
    print(f"speed: uses {best[0]}, compile {best[1]}", flush=True)
    return best[0], best[1] == "on"


class Curve:
    def __init__(self, path):
        fresh = not path.exists()
        self.file = open(path, "a", newline="")
        self.writer = csv.DictWriter(self.file, COLUMNS)
        if fresh:
            self.writer.writeheader()

    def add(self, row):
        self.writer.writerow({k: (f"{v:.5g}" if isinstance(v, float) else v) for k, v in row.items()})
        self.file.flush()
        print("  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()), flush=True)


def held_out(t, side, batch):
    """Validation batches for one picture size, kept on the device."""
    size = min(batch, t.a.micro, t.a.valid) // 2 * 2
    feeder = scenes.Feeder(t.a.saint, t.a.tokenizer, t.layout(side), size, side, "validation", 0, 0, 1)
    out = [{k: v.clone() for k, v in feeder.next(t.device).items()} for _ in range(max(1, t.a.valid // size))]
    feeder.close()
    return out


def train(t, begin):
    args = t.a
    first, budget = t.progress, args.minutes * 60
    stop = []
    for s in (signal.SIGTERM, signal.SIGINT):
        signal.signal(s, lambda *_: stop.append(1))
    curve = Curve(args.out / "curve.csv")
    earlier, started = t.seconds, time.time()
    reserve = 4.0 if t.device == "cuda" else 2.0  # for the last checkpoint
    usable = max(1.0, budget - (started - begin) - reserve)
    saved = validated = started
    side = batch_size = feeder = valid = None
    sums, count, waited, mark = torch.zeros(8, device=t.device), 0, 0.0, time.time()
    while not stop:
        gone = time.time() - started
        t.progress = min(args.until, first + (args.until - first) * gone / usable)
        t.seconds = earlier + gone
        if gone >= usable:
            break
        if t.schedule.phase(t.progress) != (side, batch_size):
            if feeder:
                feeder.close()
            side, batch_size = t.schedule.phase(t.progress)
            # every worker has its own seed; a record is never used twice, whatever was lost with a killed process
            start = math.ceil(t.records / args.workers) + (1000 if t.records else 0)
            feeder = scenes.Feeder(args.saint, args.tokenizer, t.layout(side), batch_size, side, "train", args.seed, start, args.workers, t.device == "cuda")
            valid = held_out(t, side, batch_size)
            mark, waited, sums, count = time.time(), 0.0, sums * 0, 0
        before = time.time()
        batch = feeder.next(t.device)
        waited += time.time() - before
        sums += t.learn(batch, side, t.progress)
        t.step += 1
        t.records += batch_size
        count += 1
        now = time.time()
        check = now - validated > args.valid_minutes * 60 or (gone + 1.5 * (now - before) >= usable)
        if count >= 50 or check or now - mark > 20:
            s = sums.tolist()
            now = time.time()
            row = {"seconds": t.seconds, "progress": t.progress, "step": t.step, "records": t.records, "side": side, "lr": t.schedule.lr(t.progress),
                   "loss_answers": s[0] / count, "loss_dense": s[1] / count, "train_yes_no": s[2] / max(s[3], 1), "train_short_first": s[4] / max(s[5], 1),
                   "train_patches": s[6] / max(s[7], 1), "records_per_s": count * batch_size / (now - mark), "waited": waited / (now - mark)}
            if check:
                row.update(t.validate(valid, side))
                validated = time.time()
            curve.add(row)
            sums, count, waited, mark = sums * 0, 0, 0.0, time.time()
        if time.time() - saved > args.save_minutes * 60:
            t.save()
            saved = time.time()
    t.save()
    if feeder:
        feeder.close()
    print(f"{'stopped' if stop else 'done'}: step {t.step}, {t.records} records, progress {t.progress:.3f}, {t.seconds:.0f} s of training", flush=True)


def main():
    begin = time.time()
    args = arguments()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    args.workers = args.workers or max(1, (os.cpu_count() or 2) - 1)
    args.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(args.out / "inductor"))
    torch.set_float32_matmul_precision("high")
    if args.probe:
        return probe(args, device)
    attention, compiled = choose_speed(args, device)
    t = Trainer(args, device)
    t.use(attention, compiled)
    t.resume()
    print(f"{device}: {net.parameters(t.model)} parameters, {net.parameters(t.model) * 2 / 1e6:.2f} MB in f16; {args.workers} workers", flush=True)
    train(t, begin)


if __name__ == "__main__":
    main()
