"""Scores a checkpoint or an exported folder on Scenes, as MME does, and what could be had without looking.

    python models/train/evaluate.py --model models/scenes-vlm [--data FOLDER] [--split test] [--count 143] [--json RESULT.json]

A yes/no answer is the larger of the two logits `Yes` and `No` behind the prompt; `free` counts it only if no other token is larger still.
A short answer counts when every token of it, and the end of the text, is the largest. MME: acc over questions, acc+ over pictures with both
questions right, score = 100 (acc + acc+) per task.
"""
import argparse
import collections
import json
import pathlib
import subprocess
import tempfile
import zlib

import numpy
import torch

import export
import net
import scenes
import vocabulary

HERE = pathlib.Path(__file__).resolve().parent


def read_folder(data):
    """[(file, rgb, questions)] of a folder that `saint data scenes --out` made."""
    from PIL import Image
    short = collections.defaultdict(list)
    for line in (data / "short_answers.jsonl").read_text().splitlines():
        q = json.loads(line)
        short[q["image"]].append(scenes.Question(scenes.TASKS.index(q["task"]), scenes.SHORT, q["question"], q["answer"]))
    out = []
    for task in scenes.TASKS:
        for path in sorted((data / task).glob("*.png")):
            pair = [line.split("\t") for line in path.with_suffix(".txt").read_text().splitlines()]
            questions = [scenes.Question(scenes.TASKS.index(task), scenes.YES if a == "Yes" else scenes.NO, q, a) for q, a in pair]
            out.append((path, numpy.asarray(Image.open(path).convert("RGB")), questions + short[f"{task}/{path.name}"]))
    return out


@torch.no_grad()
def score(model, text, items, device, blank=False, short=True, size=32):
    """Right or wrong for every question: rows (task, picture, kind, right, free). blank = every picture is grey."""
    slots = max(len(q) if short else 2 for _, _, q in items)
    layout = scenes.Layout(model.c.grid, len(text.prefix), slots, 28)
    layout.targets = 9 * slots
    plan = net.Plan(layout, device)
    prefix = torch.tensor(text.prefix, device=device)
    rows = []
    for begin in range(0, len(items), size):
        part = items[begin:begin + size]
        arrays = {n: numpy.zeros(s, k) for n, k, s in layout.fields(len(part), 2) if n not in ("rgb", "label")}
        for i, (_, _, questions) in enumerate(part):
            scenes.fill({k: v[i] for k, v in arrays.items()}, layout, text, questions[:slots] if short else questions[:2])
        rgb = torch.from_numpy(numpy.stack([x[1] for x in part])).to(device)
        image, _ = model.picture(torch.full_like(rgb, 128) if blank else rgb)
        at = torch.from_numpy(arrays["at"])
        logits = model.answers(image, prefix, torch.from_numpy(arrays["ids"]).to(device), at.to(device), plan).float().cpu()
        best, target = logits.argmax(-1), torch.from_numpy(arrays["target"]).long()
        wrong = (best != target) & (target >= 0)
        for i, (path, _, questions) in enumerate(part):
            for slot in range(slots if short else 2):
                kind = int(arrays["kind"][i, slot])
                if kind == 255:
                    continue
                here = (at[i] // layout.width == slot) & (target[i] >= 0)
                exact = not bool((wrong[i] & here).any())
                if kind == scenes.SHORT:
                    rows.append((int(arrays["task"][i, slot]), str(path), kind, exact, exact))
                else:
                    two = logits[i, slot, [text.no, text.yes]]
                    rows.append((int(arrays["task"][i, slot]), str(path), kind, bool(two[kind] > two[1 - kind]), not bool(wrong[i, slot])))
    return rows


def summary(rows):
    tasks, total = {}, 0.0
    yes_no = [r for r in rows if r[2] != scenes.SHORT]
    for t, name in enumerate(scenes.TASKS):
        mine = [r for r in yes_no if r[0] == t]
        if not mine:
            continue
        pictures = collections.defaultdict(list)
        for r in mine:
            pictures[r[1]].append(r[3])
        acc = 100 * sum(r[3] for r in mine) / len(mine)
        plus = 100 * sum(all(v) for v in pictures.values()) / len(pictures)
        short = [r[3] for r in rows if r[0] == t and r[2] == scenes.SHORT]
        tasks[name] = {"questions": len(mine), "acc": acc, "acc_plus": plus, "score": acc + plus, "free": 100 * sum(r[4] for r in mine) / len(mine),
                       "short_questions": len(short), "short_exact": 100 * sum(short) / max(len(short), 1)}
        total += acc + plus
    short = [r[3] for r in rows if r[2] == scenes.SHORT]
    said_yes = sum((r[2] == scenes.YES) == r[3] for r in yes_no) / max(len(yes_no), 1)
    return {"questions": len(yes_no), "accuracy": 100 * sum(r[3] for r in yes_no) / max(len(yes_no), 1), "mme_total": total, "mme_maximum": 200.0 * len(tasks),
            "said_yes": 100 * said_yes, "short_questions": len(short), "short_exact": 100 * sum(short) / max(len(short), 1), "tasks": tasks}


# ---- what the wording alone gives away: logistic regression on words and pairs of words of many training questions ----------------------

def hashed(question, size=1 << 15):
    words = question.replace("?", " ?").replace(".", "").split()
    grams = words + [a + " " + b for a, b in zip(words, words[1:])] + [a + "_" + b + "_" + c for a, b, c in zip(words, words[1:], words[2:])]
    return sorted({zlib.crc32(g.encode()) % size for g in grams})


def question_only(saint, items, records=6000):
    asked = [(hashed(q.text), q.kind) for r in scenes.Stream(saint, "train", 56, 1, 777, records) for q in r.questions if q.kind != scenes.SHORT]
    weight = torch.zeros((1 << 15) + 1, requires_grad=True)
    optimizer = torch.optim.Adam([weight], 0.02)
    torch.manual_seed(0)
    longest = max(len(f) for f, _ in asked)
    table = torch.full((len(asked), longest), 1 << 15)
    for i, (f, _) in enumerate(asked):
        table[i, :len(f)] = torch.tensor(f)
    truth = torch.tensor([float(k) for _, k in asked])
    for _ in range(3):
        for part in torch.randperm(len(asked)).split(512):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(weight[table[part]].sum(1), truth[part])
            optimizer.zero_grad()
            loss.backward()
            with torch.no_grad():
                weight.grad[1 << 15] = 0
            optimizer.step()
    w = weight.detach()
    hits = [(float(w[hashed(q.text)].sum()) > 0) == (q.kind == scenes.YES) for _, _, qs in items for q in qs if q.kind != scenes.SHORT]
    return {"training_questions": len(asked), "accuracy": 100 * sum(hits) / len(hits)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--saint", default=str(HERE.parents[1] / "build/release/app/saint"))
    parser.add_argument("--tokenizer", default=str(HERE / "tokenizer.json"))
    parser.add_argument("--data", type=pathlib.Path, help="folder of saint data scenes; made when missing (default: a temporary one)")
    parser.add_argument("--split", default="test")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=143, help="pictures per task")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--no-short", action="store_true")
    parser.add_argument("--no-baselines", action="store_true")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    text = vocabulary.Text(args.tokenizer)
    model, about = export.load_any(args.model, device)
    with tempfile.TemporaryDirectory() as scratch:
        data = args.data or pathlib.Path(scratch) / "scenes"
        subprocess.run([args.saint, "data", "scenes", "--out", str(data), "--split", args.split, "--seed", str(args.seed), "--count", str(args.count),
                        "--size", str(model.c.side)], check=True, stdout=subprocess.DEVNULL)
        items = read_folder(data)
    result = {"model": args.model, "split": args.split, "seed": args.seed, "device": device, **about,
              **summary(score(model, text, items, device, short=not args.no_short))}
    if not args.no_baselines:
        result["grey_picture_accuracy"] = summary(score(model, text, items, device, blank=True, short=False))["accuracy"]
        result["question_only"] = question_only(args.saint, items)
    for name, t in result["tasks"].items():
        print(f"{name:10} acc {t['acc']:6.2f}  acc+ {t['acc_plus']:6.2f}  score {t['score']:7.2f}  free {t['free']:6.2f}  short {t['short_exact']:6.2f} of {t['short_questions']}")
    print({k: v for k, v in result.items() if k != "tasks"})
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
