"""Trains a small convolution network on CIFAR-10 on one CPU core; train_photos.py learns from what it says and sees. It is not shipped.

    python models/train/train_teacher.py --data ../shared/data/cifar10 --out STATE/teacher --epochs 8

Six 3 x 3 convolutions in three groups (maps of 16 x 16, 8 x 8, 4 x 4), behind 24 fixed 3 x 3 filters that make the colours of neighbours uncorrelated.
Every 25th training picture is left out for watching (as in train_cifar.py); the test split is not opened.
"""
import argparse
import csv
import math
import pathlib
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from start import orthogonal
from train_cifar import MEAN, STD, held_out_rows, read_split

PAD = 4


def windows(rgb, shift):
    """u8 [n, 32, 32, 3] -> a view [n, 2 shift + 1, 2 shift + 1, 32, 32, 3] of every crop of the mirrored-out pictures."""
    x = F.pad(rgb.permute(0, 3, 1, 2).float(), (shift,) * 4, mode="reflect").to(torch.uint8).permute(0, 2, 3, 1).contiguous()
    n, side = len(x), 32 + 2 * shift
    row = side * 3
    return x.as_strided([n, 2 * shift + 1, 2 * shift + 1, 32, 32, 3], [side * row, row, 3, row, 3, 1])


def standard(rgb):
    """u8 [b, 32, 32, 3] -> normalised [b, 3, 32, 32], channels last in memory."""
    return ((rgb.float() / 255 - torch.tensor(MEAN)) / torch.tensor(STD)).permute(0, 3, 1, 2)


class Norm(nn.Module):
    """Batch normalisation with a shift and no scale."""

    def __init__(self, width):
        super().__init__()
        self.bn = nn.BatchNorm2d(width, momentum=0.3)
        self.bn.weight.requires_grad_(False)

    def forward(self, x):
        return self.bn(x)


class Group(nn.Module):
    def __init__(self, before, width):
        super().__init__()
        self.a, self.b = nn.Conv2d(before, width, 3, padding=1, bias=False), nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.na, self.nb = Norm(width), Norm(width)

    def forward(self, x):
        x = F.gelu(self.na(F.max_pool2d(self.a(x), 2)), approximate="tanh")
        return F.gelu(self.nb(self.b(x)), approximate="tanh")


class Teacher(nn.Module):
    def __init__(self, widths=(64, 128, 256)):
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 3, padding=1)
        self.groups = nn.ModuleList(Group(a, b) for a, b in zip((24,) + tuple(widths), widths))
        self.head = nn.Linear(widths[-1], 10, bias=False)

    def forward(self, x):
        """(logits, map of 8 x 8, map of 4 x 4)"""
        x = F.gelu(self.whiten(x), approximate="tanh")
        maps = []
        for group in self.groups:
            x = group(x)
            maps.append(x)
        return self.head(x.amax((2, 3)).float() if self.head.weight.dtype == torch.float32 else x.amax((2, 3))).float() / 16, maps[1], maps[2]

    @torch.no_grad()
    def set_filters(self, rgb):
        x = standard(rgb)
        patches = F.unfold(x, 3).transpose(1, 2).reshape(-1, 27)
        value, vector = torch.linalg.eigh(patches.T @ patches / len(patches))
        filters = (vector.T / (value[:, None] + 5e-4).sqrt()).flip(0)[:12].reshape(12, 3, 3, 3)
        self.whiten.weight.copy_(torch.cat([filters, -filters]))
        self.whiten.bias.zero_()
        self.whiten.requires_grad_(False)


class Descent:
    """Muon for the convolutions, whose weights keep their length; Adam for shifts and head."""

    def __init__(self, model, lr_conv, lr_rest):
        self.conv = [p for n, p in model.named_parameters() if p.ndim == 4 and p.requires_grad]
        rest = [p for n, p in model.named_parameters() if p.ndim != 4 and p.requires_grad]
        self.adam = torch.optim.Adam(rest, lr=lr_rest, betas=(0.9, 0.98))
        self.moment, self.lr_conv, self.lr_rest = [torch.zeros_like(p) for p in self.conv], lr_conv, lr_rest

    @torch.no_grad()
    def step(self, share):
        for p, m in zip(self.conv, self.moment):
            m.lerp_(p.grad, 0.2)
            step = orthogonal(torch.lerp(p.grad, m, 0.8).flatten(1)[None])[0].view_as(p)
            p.mul_(math.sqrt(len(p)) / p.norm()).sub_(step, alpha=self.lr_conv * share)
            p.grad = None
        for group in self.adam.param_groups:
            group["lr"] = self.lr_rest * share
        self.adam.step()
        self.adam.zero_grad()


def run(model, x):
    with torch.autocast("cpu", torch.bfloat16):
        return model(x)


@torch.no_grad()
def accuracy(model, rgb, label):
    model.eval()
    hits = 0
    for i in range(0, len(rgb), 500):
        x = standard(rgb[i:i + 500])
        hits += int(((run(model, x)[0] + run(model, x.flip(3))[0]).argmax(1) == label[i:i + 500]).sum())
    model.train()
    return hits / len(rgb)


def load(path):
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model = Teacher(saved["widths"])
    model.load_state_dict(saved["model"])
    return model.to(memory_format=torch.channels_last).eval().requires_grad_(False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--epochs", type=float, default=8)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--widths", default="64,128,256")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    rgb, label, _ = read_split(args.data, "train", args.out / "pictures")
    rows, watched = held_out_rows(len(rgb))
    crops = windows(rgb, 2)
    widths = [int(w) for w in args.widths.split(",")]
    model = Teacher(widths)
    model.set_filters(rgb[rows[::len(rows) // 5000]])
    model = model.to(memory_format=torch.channels_last)
    descent = Descent(model, args.lr, 0.01)
    per_epoch = len(rows) // args.batch
    total = round(args.epochs * per_epoch)
    begin, seen_loss = time.time(), []
    with open(args.out / "curve.csv", "w", newline="") as f:
        out = csv.writer(f)
        out.writerow(["seconds", "step", "epoch", "loss", "held_out"])
        for step in range(total):
            epoch, within = divmod(step, per_epoch)
            if within == 0:
                order = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(args.seed * 1009 + epoch))]
            some = order[within * args.batch:(within + 1) * args.batch]
            at = torch.randint(0, 5, (2, len(some)))
            x = standard(crops[some, at[0], at[1]])
            turned = (some * 2654435761 // 65536 + epoch) % 2 == 0  # every other epoch the mirror image
            x = torch.where(turned[:, None, None, None], x.flip(3), x)
            share = min(1.0, (step + 1) / (0.1 * total)) * max(0.01, 1 - step / total)
            loss = F.cross_entropy(run(model, x.contiguous(memory_format=torch.channels_last))[0], label[some], label_smoothing=0.1)
            loss.backward()
            descent.step(share)
            seen_loss.append(float(loss.detach()))
            if (step + 1) % per_epoch == 0 or step + 1 == total or step in (20, 50):
                row = [f"{time.time() - begin:.0f}", step + 1, f"{(step + 1) / per_epoch:.2f}", f"{sum(seen_loss[-20:]) / len(seen_loss[-20:]):.4f}",
                       f"{accuracy(model, rgb[watched], label[watched]):.4f}"]
                out.writerow(row)
                f.flush()
                print(*row, flush=True)
                torch.save({"widths": widths, "model": model.state_dict()}, args.out / "teacher.pt")


if __name__ == "__main__":
    main()
