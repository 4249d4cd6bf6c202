"""Trains a small ViT classifier in timm's layout on the JPEG pictures of CIFAR-10, in a time box, and exports it.

    python models/train/train_cifar.py train  --data ../shared/data/cifar10 --out STATE --minutes 6 [--until 1]
    python models/train/train_cifar.py export --data ../shared/data/cifar10 --out STATE --folder models/cifar10-vit [--saint build/release/app/saint]

--data holds cifar10_jpeg_train.tar.gz and cifar10_jpeg_test.tar.gz. The 32 x 32 pictures are enlarged to 112 x 112 (bicubic, as the engine's own
preprocessing does), 14 x 14 = 196 patches of 8. The test split is only ever scored, never trained on and never used to choose anything.
"""
import argparse
import contextlib
import copy
import csv
import hashlib
import io
import json
import math
import os
import pathlib
import signal
import subprocess
import tarfile
import tempfile
import time

import numpy
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).resolve().parent
LABELS = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
ARCHITECTURE = "vit_tiny_patch16_224"
SHAPE = {"img_size": 112, "patch_size": 8, "embed_dim": 192, "depth": 12, "num_heads": 6, "mlp_ratio": 3.0}
COLUMNS = ["seconds", "progress", "step", "epoch", "lr", "loss", "train_mixed", "pictures_per_s", "held_out"]


def read_split(data, split, cache):
    """(u8 [n, 32, 32, 3], labels, names) in order of name; decoded once."""
    kept = cache / f"{split}.npz"
    if kept.exists():
        z = numpy.load(kept)
        return torch.from_numpy(z["rgb"]), torch.from_numpy(z["label"]), z["names"].tolist()
    from PIL import Image
    found = {}
    with tarfile.open(data / f"cifar10_jpeg_{split}.tar.gz") as tar:
        for member in tar:
            if member.isfile() and member.name.endswith(".jpg"):
                found[member.name] = numpy.asarray(Image.open(io.BytesIO(tar.extractfile(member).read())).convert("RGB"))
    names = sorted(found)
    label = numpy.array([LABELS.index(n.split("/")[-2]) for n in names])
    rgb = numpy.stack([found[n] for n in names])
    cache.mkdir(parents=True, exist_ok=True)
    numpy.savez(kept, rgb=rgb, label=label, names=numpy.array(names))
    return torch.from_numpy(rgb), torch.from_numpy(label), names


def held_out_rows(n, share=0.04):
    """Training pictures that are left out for watching: every 25th, whatever the seed."""
    every = round(1 / share)
    rows = torch.arange(n)
    return rows[rows % every != 7], rows[rows % every == 7]


def enlarge(rgb, side):
    """u8 [b, 32, 32, 3] -> 0..255 floats [b, 3, side, side]; antialias = Pillow's cubic (a = -0.5), rounded as Pillow's bytes are."""
    x = rgb.permute(0, 3, 1, 2).float()
    if side != x.shape[-1]:
        x = F.interpolate(x, size=(side, side), mode="bicubic", align_corners=False, antialias=True)
    return x.round().clamp(0, 255)


def normalise(x):
    return (x / 255 - torch.tensor(MEAN, device=x.device).view(3, 1, 1)) / torch.tensor(STD, device=x.device).view(3, 1, 1)


def augment(x, g):
    """Mirror, shift, turn, stretch, shear, light, colour, erased boxes; all on the device."""
    b, _, side, _ = x.shape
    dev = x.device

    def uniform(low, high, *shape):
        return torch.rand(*shape, generator=g, device=dev) * (high - low) + low

    def some(share):
        return (torch.rand(b, generator=g, device=dev) < share).float()

    strong = some(0.5)
    turn, shear = uniform(-0.35, 0.35, b) * strong, uniform(-0.2, 0.2, b) * strong
    sx, sy = torch.exp(uniform(-0.25, 0.2, b) * strong), torch.exp(uniform(-0.25, 0.2, b) * strong)
    mirror = 1 - 2 * some(0.5)
    cos, sin = turn.cos(), turn.sin()
    theta = torch.stack([torch.stack([sx * cos * mirror, sx * (shear - sin), uniform(-0.25, 0.25, b)], 1),
                         torch.stack([sy * sin * mirror, sy * cos, uniform(-0.25, 0.25, b)], 1)], 1)
    x = F.grid_sample(x, F.affine_grid(theta, list(x.shape), align_corners=False), mode="bilinear", padding_mode="reflection", align_corners=False)
    colour = some(0.8).view(b, 1, 1, 1)
    x = x * (1 + colour * uniform(-0.4, 0.4, b, 1, 1, 1))
    mean = x.mean((1, 2, 3), keepdim=True)
    x = mean + (x - mean) * (1 + colour * uniform(-0.4, 0.4, b, 1, 1, 1))
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * (1 + colour * uniform(-0.5, 0.5, b, 1, 1, 1))
    x = x.clamp(0, 255)
    # one box of noise in a quarter of the pictures
    at = torch.arange(side, device=dev)
    half_w, half_h, cx, cy = (uniform(low, high, b) * side for low, high in ((0.05, 0.25), (0.05, 0.25), (0, 1), (0, 1)))
    box = ((at[None, :] - cx[:, None]).abs() < half_w[:, None])[:, None, :] & ((at[None, :] - cy[:, None]).abs() < half_h[:, None])[:, :, None]
    box = box[:, None] & (some(0.25) > 0).view(b, 1, 1, 1)
    noise = torch.randint(0, 256, (b, 3, 1, 1), generator=g, device=dev).float()
    return torch.where(box, noise, x)


def mix(x, label, g):
    """Mixup or CutMix with a turned-over batch; targets [b, 10] with smoothing 0.1."""
    b, _, side, _ = x.shape
    target = F.one_hot(label, 10).float() * 0.9 + 0.01
    kind = float(torch.rand(1, generator=g, device=x.device))
    if kind < 0.2:
        return x, target
    lam = float(torch._sample_dirichlet(torch.ones(2, device=x.device), g)[0])
    if kind < 0.55:
        lam = max(lam, 1 - lam) if kind < 0.4 else lam
        return x * lam + x.flip(0) * (1 - lam), target * lam + target.flip(0) * (1 - lam)
    half = math.sqrt(1 - lam) * side / 2
    cx, cy = (torch.rand(2, generator=g, device=x.device) * side).tolist()
    x0, x1, y0, y1 = (int(min(max(v, 0), side)) for v in (cx - half, cx + half, cy - half, cy + half))
    x = x.clone()
    x[:, :, y0:y1, x0:x1] = x.flip(0)[:, :, y0:y1, x0:x1]
    lam = 1 - (x1 - x0) * (y1 - y0) / side ** 2
    return x, target * lam + target.flip(0) * (1 - lam)


def make_model(shape, drop_path=0.1):
    import timm
    return timm.create_model(ARCHITECTURE, num_classes=10, drop_path_rate=drop_path, **shape)


@torch.no_grad()
def accuracy(model, rgb, label, side, device, amp, size=500):
    model.eval()
    hits = 0
    for begin in range(0, len(rgb), size):
        with amp():
            out = model(normalise(enlarge(rgb[begin:begin + size].to(device), side)))
        hits += int((out.argmax(-1).cpu() == label[begin:begin + size]).sum())
    return hits / len(rgb)


def lr_at(args, progress):
    return args.lr * min(1.0, (progress + 1e-4) / 0.05) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))


def train(args):
    begin = time.time()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_float32_matmul_precision("high")
    torch.manual_seed(args.seed)
    shape = dict(SHAPE, **{k: float(v) if "." in v else int(v) for k, v in (x.split("=") for x in args.model.split(",") if x)})
    args.out.mkdir(parents=True, exist_ok=True)
    model = make_model(shape).to(device)
    shadow = copy.deepcopy(model).requires_grad_(False).eval()
    decayed = [p for n, p in model.named_parameters() if p.ndim >= 2 and "pos_embed" not in n and "cls_token" not in n]
    rest = [p for p in model.parameters() if not any(p is q for q in decayed)]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": args.decay}, {"params": rest, "weight_decay": 0.0}], lr=args.lr, betas=(0.9, 0.99))
    amp = (lambda: torch.autocast(device, torch.bfloat16)) if args.amp == "on" or (args.amp == "auto" and device == "cuda") else contextlib.nullcontext
    progress, step, seconds, path = 0.0, 0, 0.0, args.out / "checkpoint.pt"
    if path.exists():
        saved = torch.load(path, map_location="cpu", weights_only=True)
        if saved["shape"] != shape:
            raise SystemExit(f"{path}: another network: {saved['shape']}; use another --out")
        model.load_state_dict(saved["model"])
        shadow.load_state_dict(saved["ema"])
        optimizer.load_state_dict(saved["optimizer"])
        progress, step, seconds = saved["progress"], saved["step"], saved["seconds"]
        print(f"continues at step {step}, progress {progress:.3f}", flush=True)
    rgb, label, _ = read_split(args.data, "train", args.out / "pictures")
    rows, watched = held_out_rows(len(rgb))
    if args.all:
        rows = torch.arange(len(rgb))
    there, there_label = rgb[rows].to(device), label[rows].to(device)
    print(f"{device}: {sum(p.numel() for p in model.parameters())} parameters; {len(rows)} pictures", flush=True)
    compiled = model
    if args.compile == "on" or (args.compile == "auto" and device == "cuda"):
        try:
            compiled = torch.compile(model, dynamic=False)
            with amp():
                compiled(torch.zeros(args.batch, 3, shape["img_size"], shape["img_size"], device=device)).sum().backward()
            model.zero_grad(set_to_none=True)
        except Exception as error:  # whatever the compiler trips over: training goes on without it
            print(f"not compiled: {str(error)[:300]}", flush=True)
            compiled = model

    def save():
        state = {"shape": shape, "model": model.state_dict(), "ema": shadow.state_dict(), "optimizer": optimizer.state_dict(), "progress": progress,
                 "step": step, "seconds": seconds, "args": {k: str(v) for k, v in vars(args).items() if k != "run"}}
        with open(path.with_suffix(".new"), "wb") as f:
            torch.save(state, f)
            f.flush()
            os.fsync(f.fileno())
        os.replace(path.with_suffix(".new"), path)

    stop = []
    for s in (signal.SIGTERM, signal.SIGINT):
        signal.signal(s, lambda *_: stop.append(1))
    fresh = not (args.out / "curve.csv").exists()
    out = open(args.out / "curve.csv", "a", newline="")
    curve = csv.DictWriter(out, COLUMNS)
    if fresh:
        curve.writeheader()
    started, earlier, first = time.time(), seconds, progress
    usable = max(1.0, args.minutes * 60 - (started - begin) - 3)
    saved_at = watched_at = mark = started
    per_epoch = len(rows) // args.batch
    g = torch.Generator(device=device)
    order, loss_sum, hit_sum, count = None, torch.zeros((), device=device), torch.zeros((), device=device), 0
    while not stop:
        gone = time.time() - started
        progress = min(args.until, first + (args.until - first) * gone / usable)
        seconds = earlier + gone
        if gone >= usable:
            break
        epoch, within = divmod(step, per_epoch)
        if order is None or within == 0:
            order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(args.seed * 100003 + epoch)).to(device)
        g.manual_seed((args.seed << 32) + step)
        some = order[within * args.batch:(within + 1) * args.batch]
        x, target = mix(augment(enlarge(there[some], shape["img_size"]), g), there_label[some], g)
        for group in optimizer.param_groups:
            group["lr"] = lr_at(args, progress)
        model.train()
        with amp():
            logits = compiled(normalise(x))
        loss = -(target * F.log_softmax(logits.float(), -1)).sum(-1).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        with torch.no_grad():
            torch._foreach_lerp_(list(shadow.parameters()), list(model.parameters()), 1 - min(args.ema, (1 + step) / (10 + step)))
        loss_sum += loss.detach()
        hit_sum += (logits.argmax(-1) == target.argmax(-1)).sum()
        count += 1
        check = time.time() - watched_at > args.watch_minutes * 60 or time.time() - started >= usable
        if count >= 100 or check or time.time() - mark > 30:
            row = {"seconds": f"{seconds:.1f}", "progress": f"{progress:.4f}", "step": step, "epoch": f"{step / per_epoch:.2f}", "lr": f"{lr_at(args, progress):.3g}",
                   "loss": f"{float(loss_sum) / count:.4f}", "train_mixed": f"{float(hit_sum) / (count * args.batch):.4f}",
                   "pictures_per_s": f"{count * args.batch / (time.time() - mark):.0f}"}
            if check:
                row["held_out"] = f"{accuracy(shadow, rgb[watched], label[watched], shape['img_size'], device, amp):.4f}"
                watched_at = time.time()
            curve.writerow(row)
            out.flush()
            print("  ".join(f"{k} {v}" for k, v in row.items()), flush=True)
            loss_sum, hit_sum, count, mark = loss_sum * 0, hit_sum * 0, 0, time.time()
        if time.time() - saved_at > args.save_minutes * 60:
            save()
            saved_at = time.time()
    save()
    print(f"{'stopped' if stop else 'done'}: step {step}, epoch {step / per_epoch:.1f}, progress {progress:.3f}, {seconds:.0f} s", flush=True)


# ---- export and checks ------------------------------------------------------------------------------------------------------------

def hub_config(shape):
    side = shape["img_size"]
    return {"architecture": ARCHITECTURE, "num_classes": 10, "num_features": shape["embed_dim"], "global_pool": "token", "model_args": shape,
            "label_names": LABELS, "pretrained_cfg": {
                "tag": "cifar10", "custom_load": False, "input_size": [3, side, side], "fixed_input_size": True, "interpolation": "bicubic", "crop_pct": 1.0,
                "crop_mode": "center", "mean": list(MEAN), "std": list(STD), "num_classes": 10, "pool_size": None, "first_conv": "patch_embed.proj",
                "classifier": "head"}}


def from_folder(folder):
    from safetensors.torch import load_file
    config = json.loads((folder / "config.json").read_text())
    model = make_model(config["model_args"], 0.0)
    model.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()}, strict=True)
    return model.eval(), config["model_args"]


def saint_says(saint, folder, path):
    done = subprocess.run([saint, "run", "--model", str(folder), "--image", str(path), "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["top5"]


@torch.no_grad()
def check_saint(args, model, side, rgb, label, names):
    """The same pictures as PNG: logits must be equal. As the JPEG files they are: decoders differ in a bit here and there, classes must agree."""
    from PIL import Image
    rows = torch.linspace(0, len(names) - 1, args.check).long().tolist()
    worst, same = 0.0, 0
    with tempfile.TemporaryDirectory() as scratch, tarfile.open(args.data / "cifar10_jpeg_test.tar.gz") as tar:
        for i in rows:
            png, jpg = pathlib.Path(scratch) / "a.png", pathlib.Path(scratch) / "a.jpg"
            Image.fromarray(rgb[i].numpy()).save(png)
            jpg.write_bytes(tar.extractfile(names[i]).read())
            large = numpy.asarray(Image.fromarray(rgb[i].numpy()).resize((side, side), Image.BICUBIC))
            logits = model(normalise(torch.from_numpy(large.copy()).permute(2, 0, 1)[None].float()))[0]
            top = saint_says(args.saint, args.folder, png)
            assert top[0]["class"] == int(logits.argmax()) and top[0]["label"] == LABELS[top[0]["class"]], (names[i], top)
            worst = max(worst, max(abs(t["logit"] - float(logits[t["class"]])) for t in top))
            same += saint_says(args.saint, args.folder, jpg)[0]["class"] == top[0]["class"]
    print(f"saint run: {len(rows)} pictures, logits within {worst:.1e} of timm; {same} of {len(rows)} classes equal from the JPEG files")
    assert worst < 1e-3, worst
    return worst


def export(args):
    from safetensors.torch import save_file
    device = "cuda" if torch.cuda.is_available() else "cpu"
    saved = torch.load(args.out / "checkpoint.pt", map_location="cpu", weights_only=True)
    args.folder.mkdir(parents=True, exist_ok=True)
    save_file({k: v.to(torch.float16).contiguous() for k, v in saved["ema"].items()}, args.folder / "model.safetensors", metadata={"format": "pt"})
    (args.folder / "config.json").write_text(json.dumps(hub_config(saved["shape"]), indent=1) + "\n")
    model, shape = from_folder(args.folder)
    if args.no_score:
        return
    rgb, label, names = read_split(args.data, "test", args.out / "pictures")
    if args.limit:
        rgb, label, names = rgb[::len(rgb) // args.limit], label[::len(label) // args.limit], names[::len(names) // args.limit]
    score = accuracy(model.to(device), rgb, label, shape["img_size"], device, contextlib.nullcontext)
    classes = {name: accuracy(model, rgb[label == k], label[label == k], shape["img_size"], device, contextlib.nullcontext) for k, name in enumerate(LABELS)}
    weights = args.folder / "model.safetensors"
    weights.chmod(0o644)
    result = {"test_top1": score, "test_pictures": len(rgb), "test_top1_of": classes, "step": saved["step"], "seconds": saved["seconds"], "progress": saved["progress"], "device": device,
              "weights_mb": weights.stat().st_size / 1e6, "sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}
    if args.check:
        result["saint_logits_within"] = check_saint(args, model.cpu(), shape["img_size"], rgb, label, names)
    (args.out / "score.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


def check(args):
    model, shape = from_folder(args.folder)
    rgb, label, names = read_split(args.data, "test", args.out / "pictures")
    check_saint(args, model, shape["img_size"], rgb, label, names)


@torch.no_grad()
def record(args):
    """What timm says about pictures that lie in the tree, and about the 846 lossless test pictures: what the tests hold the engine to."""
    from PIL import Image
    model, shape = from_folder(args.folder)
    side = shape["img_size"]
    said = []
    for path in args.pictures:
        rgb = Image.open(path).convert("RGB")
        assert rgb.width == rgb.height, path
        large = numpy.asarray(rgb if rgb.width == side else rgb.resize((side, side), Image.BICUBIC)).copy()
        logits = model(normalise(torch.from_numpy(large).permute(2, 0, 1)[None].float()))[0]
        said.append({"file": path.name, "label": LABELS[int(logits.argmax())], "logits": [round(float(v), 6) for v in logits]})
    raw = numpy.frombuffer((args.data / "cifar10_test_batch_first846.bin").read_bytes(), numpy.uint8).reshape(-1, 3073)
    label = torch.from_numpy(raw[:, 0].astype(numpy.int64))
    rgb = torch.from_numpy(raw[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).copy())
    large = [numpy.asarray(Image.fromarray(x.numpy()).resize((side, side), Image.BICUBIC)) for x in rgb]
    pixels = normalise(torch.from_numpy(numpy.stack(large)).permute(0, 3, 1, 2).float())
    right = sum(int((model(pixels[i:i + 94]).argmax(-1) == label[i:i + 94]).sum()) for i in range(0, len(rgb), 94))
    args.json.write_text(json.dumps({"model": "models/cifar10-vit", "weights_sha256": hashlib.sha256((args.folder / "model.safetensors").read_bytes()).hexdigest(),
                                     "pictures": said, "lossless": {"pictures": len(rgb), "right": right}}, indent=1) + "\n")
    print(f"{len(said)} pictures; {right} of {len(rgb)} lossless test pictures right")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = parser.add_subparsers(required=True)
    t, e, c = sub.add_parser("train"), sub.add_parser("export"), sub.add_parser("check", help="an exported folder against saint run")
    r = sub.add_parser("record", help="what timm says about pictures in the tree, for the tests")
    r.set_defaults(run=record)
    r.add_argument("--folder", type=pathlib.Path, required=True)
    r.add_argument("--json", type=pathlib.Path, required=True)
    r.add_argument("pictures", type=pathlib.Path, nargs="+")
    for p in (t, e, c, r):
        p.add_argument("--data", type=pathlib.Path, required=True)
    for p in (t, e, c):
        p.add_argument("--out", type=pathlib.Path, required=True, help="folder of checkpoint.pt and curve.csv")
    t.set_defaults(run=train)
    t.add_argument("--minutes", type=float, required=True)
    t.add_argument("--until", type=float, default=1.0)
    t.add_argument("--model", default="", help="e.g. img_size=32,patch_size=4")
    t.add_argument("--batch", type=int, default=512)
    t.add_argument("--lr", type=float, default=1e-3)
    t.add_argument("--decay", type=float, default=0.06)
    t.add_argument("--ema", type=float, default=0.999)
    t.add_argument("--seed", type=int, default=1)
    t.add_argument("--all", action="store_true", help="train on the watched 4 %% too: for the last run, after the settings are fixed")
    t.add_argument("--amp", default="auto", choices=["auto", "on", "off"])
    t.add_argument("--compile", default="auto", choices=["auto", "on", "off"])
    t.add_argument("--watch-minutes", type=float, default=1.0)
    t.add_argument("--save-minutes", type=float, default=2.0)
    e.set_defaults(run=export)
    c.set_defaults(run=check)
    for p in (e, c):
        p.add_argument("--folder", type=pathlib.Path, required=True)
        p.add_argument("--saint", default=str(HERE.parents[1] / "build/release/app/saint"))
        p.add_argument("--check", type=int, default=20, help="pictures compared with saint run; 0 = none")
    e.add_argument("--limit", type=int, default=0, help="score only about so many test pictures (CPU)")
    e.add_argument("--no-score", action="store_true", help="write the folder and leave the test split closed: for looking on while it trains")
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
