"""Trains the classifier on one CPU core, in a time box: short plan of models/cifar10-vit. Export and checks: train_cifar.py.

    python models/train/train_teacher.py --data ../shared/data/cifar10 --out STATE/teacher --epochs 7
    python models/train/train_photos.py --data ../shared/data/cifar10 --out STATE/cifar64 --teacher STATE/teacher/teacher.pt --minutes 33

Mirror images and shifts only; every picture passes with all its patches. What is learned from: the right class, what the teacher says about
the same crop, and, while that helps, the teacher's maps: a linear map of what patches are behind two of the blocks should give them. Those
maps are not exported. The schedule runs over the minutes; a killed run loses what came after its last checkpoint and goes on.
"""
import argparse
import csv
import os
import pathlib
import signal
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

import photos
import train_teacher
from start import Optimizer
from train_cifar import enlarge, held_out_rows, normalise, read_split

COLUMNS = ["seconds", "progress", "step", "epoch", "rate", "loss", "dense", "train", "pictures_per_s", "held_out"]


class Dense(nn.Module):
    """What linear maps of the patches behind two blocks say about the teacher's maps of 8 x 8 and 4 x 4."""

    def __init__(self, d, widths, grid):
        super().__init__()
        self.grid = grid
        self.maps = nn.ModuleList(nn.Linear(d, w) for w in widths)

    def forward(self, kept, theirs):
        loss = 0.0
        for x, to, target in zip(kept, self.maps, theirs):
            y = to(x).transpose(1, 2).reshape(len(x), -1, self.grid, self.grid)
            y = F.adaptive_avg_pool2d(y, target.shape[-1]) if y.shape[-1] != target.shape[-1] else y
            loss = loss + (y.float() - target).square().mean()
        return loss


class Learner(nn.Module):
    def __init__(self, shape, widths):
        super().__init__()
        self.vit = photos.Photos(shape)
        self.dense = Dense(shape["embed_dim"], widths, self.vit.grid)


def standard(rgb, side):
    """u8 [b, 32, 32, 3] -> normalised [b, 3, side, side]: enlarged as the engine does it."""
    return normalise(enlarge(rgb, side))


@torch.no_grad()
def accuracy(vit, rgb, label, size=250):
    side = vit.shape["img_size"]
    hits = sum(int((vit(standard(rgb[i:i + size], side))[0].argmax(-1) == label[i:i + size]).sum()) for i in range(0, len(rgb), size))
    return hits / len(rgb)


class Run:
    def __init__(self, args):
        self.a = args
        torch.set_num_threads(1)
        torch.manual_seed(args.seed)
        args.out.mkdir(parents=True, exist_ok=True)
        self.shape = {"img_size": args.side, "patch_size": 4, "embed_dim": args.dim, "depth": args.depth, "num_heads": args.heads, "mlp_ratio": args.mlp}
        rgb, self.label, _ = read_split(args.data, "train", args.out.parent / "pictures")
        self.rows, watched = held_out_rows(len(rgb))
        self.watched, self.watched_label = rgb[watched], self.label[watched]
        self.crops = train_teacher.windows(rgb, args.shift)
        self.teacher = train_teacher.load(args.teacher).bfloat16()
        self.set_scale(rgb[self.rows[::len(self.rows) // 2000]])
        self.learner = Learner(self.shape, [len(m) for m, _ in self.scale])
        self.taps = (args.depth // 2 - 1, args.depth - 2)
        some = rgb[self.rows[::max(1, len(self.rows) // 4000)]]
        if args.init:
            saved = torch.load(args.init, map_location="cpu", weights_only=True)
            photos.grow(self.learner, dict(zip(saved["optimizer"]["names"], saved["optimizer"]["shadow"])), saved["shape"], some)
        else:
            photos.start(self.learner.vit, photos.cut(standard(some, args.side), 4).flatten(0, 1)[::4])
        self.learner.bfloat16()
        self.optimizer = Optimizer(self.learner.named_parameters(), args.lr, args.lr_rest, ema=args.ema)
        self.progress, self.step, self.seconds = 0.0, 0, 0.0
        self.path = args.out / "checkpoint.pt"
        if self.path.exists():
            self.load()
        elif args.init:
            print(f"begins with {args.init}: held out {accuracy(self.averaged(), self.watched, self.watched_label):.4f}", flush=True)

    @torch.no_grad()
    def set_scale(self, rgb):
        x = train_teacher.standard(rgb).bfloat16()
        maps = [torch.cat(m).float() for m in zip(*[self.teacher(x[i:i + 250])[1:] for i in range(0, len(x), 250)])]
        self.scale = [(m.mean((0, 2, 3)).view(-1, 1, 1), m.std((0, 2, 3)).view(-1, 1, 1) + 1e-3) for m in maps]

    def batch(self, number):
        """u8 pictures, classes; the order depends on seed and number only."""
        per_epoch = len(self.rows) // self.a.batch
        epoch, within = divmod(number, per_epoch)
        if within == 0 or not hasattr(self, "order"):
            self.order = self.rows[torch.randperm(len(self.rows), generator=torch.Generator().manual_seed(self.a.seed * 100003 + epoch))]
        g = torch.Generator().manual_seed((self.a.seed << 32) + number)
        some = self.order[within * self.a.batch:(within + 1) * self.a.batch]
        at = torch.randint(0, 2 * self.a.shift + 1, (2, len(some)), generator=g)
        rgb = self.crops[some, at[0], at[1]]
        return torch.where((torch.rand(len(some), generator=g) < 0.5)[:, None, None, None], rgb.flip(2), rgb), self.label[some]

    def lesson(self, number, dense_share):
        rgb, label = self.batch(number)
        with torch.no_grad():
            says, *maps = self.teacher(standard(rgb, 32).bfloat16().contiguous(memory_format=torch.channels_last))
            theirs = [(m.float() - mean) / std for m, (mean, std) in zip(maps, self.scale)]
            target = self.a.trust * (says / self.a.soft).softmax(-1) + (1 - self.a.trust) * F.one_hot(label, 10)
        logits, kept = self.learner.vit(standard(rgb, self.a.side), self.taps if dense_share > 0 else ())
        loss = -(target * F.log_softmax(logits, -1)).sum(-1).mean()
        dense = self.learner.dense(kept, theirs) if dense_share > 0 else torch.zeros(())
        (loss + dense_share * dense).backward()
        return float(loss.detach()), float(dense.detach()), float((logits.argmax(-1) == label).float().mean())

    def averaged(self):
        vit = photos.Photos(self.shape)
        vit.load_state_dict({n[4:]: p for n, p in self.optimizer.averaged().items() if n.startswith("vit.")})
        return vit.bfloat16()

    def save(self):
        state = {"shape": self.shape, "ema": {n[4:]: p for n, p in self.optimizer.averaged().items() if n.startswith("vit.")},
                 "optimizer": self.optimizer.state(), "progress": self.progress, "step": self.step, "seconds": self.seconds,
                 "args": {k: str(v) for k, v in vars(self.a).items()}}
        with open(self.path.with_suffix(".new"), "wb") as f:
            torch.save(state, f)
            f.flush()
            os.fsync(f.fileno())
        os.replace(self.path.with_suffix(".new"), self.path)

    def load(self):
        saved = torch.load(self.path, map_location="cpu", weights_only=True)
        if saved["shape"] != self.shape:
            raise SystemExit(f"{self.path}: another network: {saved['shape']}; use another --out")
        self.optimizer.load(saved["optimizer"])
        self.progress, self.step, self.seconds = saved["progress"], saved["step"], saved["seconds"]
        print(f"continues at step {self.step}, progress {self.progress:.3f}", flush=True)

    def train(self):
        stop = []
        for s in (signal.SIGTERM, signal.SIGINT):
            signal.signal(s, lambda *_: stop.append(1))
        fresh = not (self.a.out / "curve.csv").exists()
        per_epoch = len(self.rows) // self.a.batch
        begin, earlier, first = time.time(), self.seconds, self.progress
        saved_at = watched_at = mark = begin
        sums, count = [0.0, 0.0, 0.0], 0
        with open(self.a.out / "curve.csv", "a", newline="") as out:
            curve = csv.DictWriter(out, COLUMNS)
            if fresh:
                curve.writeheader()
            while True:
                now = time.time()
                self.progress = min(1.0, first + (1 - first) * (now - begin) / (self.a.minutes * 60))
                self.seconds = earlier + now - begin
                ending = bool(stop) or self.progress >= 1
                check = ending or now - watched_at > self.a.watch_minutes * 60
                if count and (check or now - mark > 30):
                    row = {"seconds": f"{self.seconds:.0f}", "progress": f"{self.progress:.4f}", "step": self.step, "epoch": f"{self.step / per_epoch:.2f}",
                           "rate": f"{self.rate():.3f}", "loss": f"{sums[0] / count:.4f}", "dense": f"{sums[1] / count:.4f}", "train": f"{sums[2] / count:.4f}",
                           "pictures_per_s": f"{count * self.a.batch / (now - mark):.0f}"}
                    if check:
                        row["held_out"] = f"{accuracy(self.averaged(), self.watched, self.watched_label):.4f}"
                        watched_at = time.time()
                    curve.writerow(row)
                    out.flush()
                    print("  ".join(f"{k} {v}" for k, v in row.items()), flush=True)
                    sums, count, mark = [0.0, 0.0, 0.0], 0, time.time()
                if ending:
                    break
                said = self.lesson(self.step, self.a.dense * max(0.0, 1 - self.progress / self.a.dense_until))
                sums = [a + b for a, b in zip(sums, said)]
                count += 1
                self.optimizer.step(self.rate())
                self.step += 1
                if time.time() - saved_at > 120:
                    self.save()
                    saved_at = time.time()
        self.save()
        print(f"{'stopped' if stop else 'done'}: step {self.step}, epoch {self.step / per_epoch:.1f}, progress {self.progress:.3f}, {self.seconds:.0f} s", flush=True)

    def rate(self):
        return min(1.0, (self.step + 1) / 40) * max(0.005, min(1.0, (1 - self.progress) / self.a.cool))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", type=pathlib.Path, required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--teacher", type=pathlib.Path, required=True)
    p.add_argument("--minutes", type=float, required=True, help="by the clock")
    p.add_argument("--side", type=int, default=32, help="pixels of a picture before it is cut into patches of 4: 32 gives 64 of them, 56 gives 196")
    p.add_argument("--init", type=pathlib.Path, help="checkpoint of a finished run to begin with, of another --side")
    p.add_argument("--dim", type=int, default=192)
    p.add_argument("--depth", type=int, default=6)
    p.add_argument("--heads", type=int, default=6)
    p.add_argument("--mlp", type=float, default=2.0)
    p.add_argument("--batch", type=int, default=200)
    p.add_argument("--lr", type=float, default=0.015, help="of the matrices (Muon)")
    p.add_argument("--lr-rest", type=float, default=2e-3)
    p.add_argument("--cool", type=float, default=0.8, help="share of the time over which the learning rate falls")
    p.add_argument("--ema", type=float, default=0.995)
    p.add_argument("--shift", type=int, default=4)
    p.add_argument("--trust", type=float, default=0.7, help="weight of what the teacher says; the rest is the right class")
    p.add_argument("--soft", type=float, default=1.0, help="temperature of the teacher")
    p.add_argument("--dense", type=float, default=0.5, help="weight of the teacher's maps at first")
    p.add_argument("--dense-until", type=float, default=0.7, help="it falls to nothing by this progress")
    p.add_argument("--watch-minutes", type=float, default=3.0)
    p.add_argument("--seed", type=int, default=1)
    Run(p.parse_args()).train()


if __name__ == "__main__":
    main()
