"""Writes the model card of a trained folder out of what the run recorded.

    python models/train/card.py scenes --results build/train/results --folder models/scenes-vlm --hardware "1 x H200, 16 CPU cores"
    python models/train/card.py parts  --results build/train/results --folder models/scenes-vlm --hardware "..."
    python models/train/card.py cifar  --results build/train/results --folder models/cifar10-vit --hardware "..."
    python models/train/card.py photos --results build/train/results --folder models/cifar10-vit --hardware "..."
"""
import argparse
import csv
import json
import pathlib
import shutil

import export
import scenes


def read_curve(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def minutes(curve):
    return float(curve[-1]["seconds"]) / 60


def scenes_card(args):
    r = args.results
    curve = read_curve(r / "scenes-curve.csv")
    test = json.loads((r / "scenes-test.json").read_text())
    c, last = export.read_config(args.folder), curve[-1]
    size = (args.folder / "model.safetensors").stat().st_size / 1e6
    checked = [x for x in curve if x["valid_yes_no"]]
    lines = [
        "# scenes-vlm", "",
        f"A small LLaVA, trained from nothing on pictures of `saint data scenes`: {c.vit_layers} + {c.llm_layers} layers, {c.grid} x {c.grid} patches at {c.side} px, "
        f"feature layer -2, f16, {size:.1f} MB. Layout: Hugging Face (`LlavaForConditionalGeneration`). It knows Scenes and nothing else.", "",
        "## Training", "",
        f"* data: {int(last['records']):,} generated records of the training split (each once), about 19 questions each; no other data, no other network",
        f"* {int(last['step']):,} steps, {minutes(curve):.1f} minutes, {args.hardware}; recipe and settings: `models/train/`, curve: `training.csv`",
        "* averaged weights; no token was dropped in training, so nothing here was made to suit pruning", "",
        f"## Scores on {test['questions']:,} questions of the test split (seed {test['seed']}), unpruned, float32", "",
        "| task | accuracy | accuracy+ | score | short answers, exact |", "| --- | --- | --- | --- | --- |",
        *(f"| {t} | {v['acc']:.2f} | {v['acc_plus']:.2f} | {v['score']:.2f} | {v['short_exact']:.1f} of {v['short_questions']} |" for t, v in test["tasks"].items()),
        f"| all | {test['accuracy']:.2f} | | {test['mme_total']:.1f} of {test['mme_maximum']:.0f} | {test['short_exact']:.1f} of {test['short_questions']} |", "",
        f"Without looking: the same questions about a grey picture {test.get('grey_picture_accuracy', float('nan')):.2f}; words of the question alone "
        f"{test.get('question_only', {}).get('accuracy', float('nan')):.2f}. It says Yes to {test['said_yes']:.1f} %.", "",
        "Watched while training (validation split): " + ", ".join(f"{float(x['progress']):.2f}: {100 * float(x['valid_yes_no']):.1f} %" for x in checked[::max(1, len(checked) // 10)]), "",
        "## Limits", "",
        "* Pictures like the generator's only: ten shapes, eight colours, eight backgrounds, short printed words and numbers. A photo gets an answer that means nothing.",
        "* Questions in the generator's wording; words outside its vocabulary are spelled in letters that it was never taught to read in a question.",
        "* Template `llava_hf`, answers of one word.", ""]
    (args.folder / "README.md").write_text("\n".join(lines), encoding="utf-8")
    shutil.copyfile(r / "scenes-curve.csv", args.folder / "training.csv")
    (args.folder / "scores.json").write_text(json.dumps(test, indent=1) + "\n")
    bar = test["accuracy"] >= 95 and all(v["acc"] >= 90 for v in test["tasks"].values())
    print(f"bar of 95 % over all and 90 % in each of {len(scenes.TASKS)} tasks: {'met' if bar else 'NOT met'}: {test['accuracy']:.2f}, lowest {min(v['acc'] for v in test['tasks'].values()):.2f}")


def parts_card(args):
    """Of a network of the plan in parts: results hold scenes-sight-curve.csv, scenes-words-curve.csv (or scenes-whole-curve.csv besides) and scenes-test.json."""
    r = args.results
    sees, words = read_curve(r / "scenes-sight-curve.csv"), read_curve(r / "scenes-words-curve.csv")
    test = json.loads((r / "scenes-test.json").read_text())
    c = export.read_config(args.folder)
    size = (args.folder / "model.safetensors").stat().st_size / 1e6
    checked = [x for x in words if x["valid_all"]]
    coded = sum(1 for x in words if x["seen"] == "0")
    cropped = [x for x in sees if int(x["window"]) < c.grid]
    holes = list(dict.fromkeys(int(x["keep"]) for x in words if int(x["keep"]) < c.grid ** 2))
    full = [x for x in words if int(x["keep"]) == c.grid ** 2]
    met = int(full[-1]["questions"]) - int(words[words.index(full[0]) - 1]["questions"] if words.index(full[0]) else 0) if full else 0
    count = lambda rows: int(rows[-1]["pictures"]) if rows else 0
    lines = [
        "# scenes-vlm", "",
        f"A small LLaVA, trained from nothing on pictures of `saint data scenes`: {c.vit_layers} + {c.llm_layers} layers, {c.grid} x {c.grid} patches at {c.side} px, widths "
        f"{c.vit_dim} and {c.llm_dim}, feature layer -2, f16, {size:.1f} MB. Layout: Hugging Face (`LlavaForConditionalGeneration`). It knows Scenes and nothing else.", "",
        "## Training", "",
        f"* vision tower: {int(sees[-1]['step']):,} steps, {count(cropped):,} crops of 12 x 12 patches (two of each generated picture)"
        + (f", then {count(sees) - count(cropped):,} whole pictures" if len(sees) > len(cropped) else "") + f", {minutes(sees):.0f} minutes of processor time",
        f"* language model: {int(words[-1]['step']):,} steps, {int(words[-1]['questions']):,} questions, {minutes(words):.0f} minutes of processor time; the first "
        f"{int(words[coded - 1]['step']):,} steps read the code of `sight.py` in the place of pictures",
        f"* {args.hardware}; plan in parts of `models/train/`; curves: `training-sight.csv`, `training-words.csv`",
        "* data: the training split of the generator, each record once, and what the generator knows about each patch; no other data, no other network; averaged weights",
        *(args.note.split("|") if args.note else []), "",
        f"## Scores on {test['questions']:,} questions of the test split (seed {test['seed']}), unpruned, float32", "",
        "| task | accuracy | accuracy+ | score |", "| --- | --- | --- | --- |",
        *(f"| {t} | {v['acc']:.2f} | {v['acc_plus']:.2f} | {v['score']:.2f} |" for t, v in test["tasks"].items()),
        f"| all | {test['accuracy']:.2f} | | {test['mme_total']:.1f} of {test['mme_maximum']:.0f} |", "",
        (f"Without looking: the same questions about a grey picture {test['grey_picture_accuracy']:.2f}; words of the question alone {test['question_only']['accuracy']:.2f}. "
         if "question_only" in test else "") + f"It says Yes to {test['said_yes']:.1f} %.", "",
        "Watched while training (validation records, mean of the tasks): " + ", ".join(f"step {x['step']}: {100 * float(x['valid_all']):.1f} %" for x in checked), "",
        "## Limits", "",
        "* Counting is hardly learned." if test["tasks"]["count"]["acc"] < 75 else "* Counting is its weakest task." if min(test["tasks"], key=lambda t: test["tasks"][t]["acc"]) == "count" else "",
        f"* The vision tower's last block, number {c.vit_layers}, is behind the feature layer and has not been trained: nothing reads it.",
        *([f"* While it was trained the language model at first got {', later '.join(map(str, holes))} of the {c.grid ** 2} patches (every object's centre, the others at random, more of objects and "
           f"letters than of background){f', and all of them for its last {met:,} questions' if full else ''}. Scores are with all. It has so met pictures with holes in them, though never a choice of "
           "SAINT's or of any other method."] if holes else []),
        "* Pictures like the generator's only: ten shapes, eight colours, eight backgrounds, short printed words and numbers. A photo gets an answer that means nothing.",
        "* Questions in the generator's wording; words outside its vocabulary are spelled in letters that it was never taught to read in a question.",
        "* Template `llava_hf`, answers of one word.", ""]
    (args.folder / "README.md").write_text("\n".join(x for i, x in enumerate(lines) if x or lines[i - 1]), encoding="utf-8")
    shutil.copyfile(r / "scenes-sight-curve.csv", args.folder / "training-sight.csv")
    shutil.copyfile(r / "scenes-words-curve.csv", args.folder / "training-words.csv")
    (args.folder / "scores.json").write_text(json.dumps({**test, "model": "models/scenes-vlm"}, indent=1) + "\n")
    print(f"all {test['accuracy']:.2f}, lowest {min(v['acc'] for v in test['tasks'].values()):.2f}")


def cifar_card(args):
    r = args.results
    curve, test = read_curve(r / "cifar-curve.csv"), json.loads((r / "cifar-test.json").read_text())
    shape = json.loads((args.folder / "config.json").read_text())["model_args"]
    lines = [
        "# cifar10-vit", "",
        f"A small ViT classifier in timm's layout ({shape}), f16, {test['weights_mb']:.1f} MB, trained from nothing on the 50,000 training pictures of CIFAR-10 "
        "(Krizhevsky 2009), as JPEG files of quality 75. The pictures are not part of it.", "",
        f"* {int(curve[-1]['step']):,} steps, {float(curve[-1]['epoch']):.0f} epochs, {minutes(curve):.1f} minutes, {args.hardware}; recipe: `models/train/train_cifar.py`, curve: `training.csv`",
        "* one training picture in 25 was left out for watching; the test split was scored once, at the end; no token was dropped in training",
        f"* top-1 on {test['test_pictures']:,} test pictures: **{100 * test['test_top1']:.2f} %**, unpruned, float32",
        "* limits: ten classes, pictures of 32 x 32 enlarged to the network's size", ""]
    (args.folder / "README.md").write_text("\n".join(lines), encoding="utf-8")
    shutil.copyfile(r / "cifar-curve.csv", args.folder / "training.csv")
    (args.folder / "scores.json").write_text(json.dumps(test, indent=1) + "\n")
    print(f"bar of 80 %: {'met' if test['test_top1'] >= 0.8 and test['test_pictures'] == 10000 else 'NOT met'}: {100 * test['test_top1']:.2f} on {test['test_pictures']}")


def photos_card(args):
    """Of the classifier's short plan: results hold teacher-curve.csv, cifar64-curve.csv, cifar196-curve.csv (or not) and cifar-test.json."""
    r = args.results
    stages = [(n, read_curve(r / f"cifar{n}-curve.csv")) for n in (64, 196) if (r / f"cifar{n}-curve.csv").exists()]
    teacher, test = read_curve(r / "teacher-curve.csv"), json.loads((r / "cifar-test.json").read_text())
    shape = json.loads((args.folder / "config.json").read_text())["model_args"]
    grid = shape["img_size"] // shape["patch_size"]
    n, top = test["test_pictures"], test["test_top1"]
    half = 1.96 * (top * (1 - top) / n) ** 0.5
    lines = [
        "# cifar10-vit", "",
        f"A small ViT classifier in timm's layout: {shape['depth']} layers, {shape['embed_dim']} wide, {shape['num_heads']} heads, MLP {int(shape['embed_dim'] * shape['mlp_ratio'])}, class token; "
        f"{grid} x {grid} patches of {shape['patch_size']} at {shape['img_size']} px"
        + (" (the pictures of 32 x 32 are enlarged, bicubic)" if shape["img_size"] != 32 else "") + f", f16, {test['weights_mb']:.1f} MB. It knows the ten classes of CIFAR-10 and nothing else.", "",
        "## Training", "",
        "* data: 48,000 of the 50,000 training pictures of CIFAR-10 (Krizhevsky 2009), as JPEG files of quality 75; no other data. The pictures are not part of the model",
        f"* a teacher of our own, a small convolution network trained first on the same pictures: {float(teacher[-1]['epoch']):.0f} epochs, {minutes(teacher):.0f} minutes, "
        f"{100 * float(teacher[-1]['held_out']):.1f} % of the held-out pictures. What it says about each crop is 70 % of the target, the right class 30 %; at first its maps are taught to the patches as well. It is not shipped",
        *(f"* with {k} patches: {int(c[-1]['step']):,} steps of {round(float(c[-1]['epoch']) * 480 / int(c[-1]['step'])) * 100} pictures ({float(c[-1]['epoch']):.1f} epochs), {minutes(c):.0f} minutes" for k, c in stages),
        f"* {args.hardware}; recipe: short plan of `models/train/`; curves: `training-*.csv`",
        "* mirror images and shifts of up to 4 pixels only; averaged weights. No token was dropped in training, so nothing here was made to suit pruning",
        *(args.note.split("|") if args.note else []), "",
        f"## Scores on {n:,} pictures of the test split, unpruned, float32", "",
        f"Top-1 **{100 * top:.2f} %** (95 % interval {100 * (top - half):.1f} to {100 * (top + half):.1f}). The test split chose nothing: it was scored after everything was fixed.", "",
        "| " + " | ".join(test["test_top1_of"]) + " |", "| " + " | ".join("---" for _ in test["test_top1_of"]) + " |",
        "| " + " | ".join(f"{100 * v:.1f}" for v in test["test_top1_of"].values()) + " |", "",
        "Watched while training, on 2,000 training pictures left out: " + "; ".join(
            f"{k} patches: " + ", ".join(f"epoch {float(x['epoch']):.1f}: {100 * float(x['held_out']):.1f} %" for x in c if x["held_out"]) for k, c in stages), "",
        "How it bears pruning: README of the project, `docs/cifar10.csv`.", "",
        "## Limits", "",
        "* Ten classes, pictures like CIFAR-10's: one thing that fills a picture of 32 x 32. Any other picture gets one of the ten names all the same.",
        *(["* Enlarged pictures hold nothing that 32 x 32 do not: neighbouring patches resemble each other more than those of a ViT on sharp photos, which makes pruning easier."] if shape["img_size"] != 32 else []),
        "* Its first three blocks began with four of six heads that look at one neighbour each, by position: early keys speak of places more than those of a ViT that began at random.",
        "* Trained for minutes: networks of this size reach several points more with hundreds of epochs and heavy augmentation (`train_cifar.py`, never run).", ""]
    (args.folder / "README.md").write_text("\n".join(lines), encoding="utf-8")
    shutil.copyfile(r / "teacher-curve.csv", args.folder / "training-teacher.csv")
    for k, _ in stages:
        shutil.copyfile(r / f"cifar{k}-curve.csv", args.folder / f"training-{k}.csv")
    (args.folder / "scores.json").write_text(json.dumps({**test, "model": "models/cifar10-vit"}, indent=1) + "\n")
    print(f"bar of 80 %: {'met' if top >= 0.8 and n == 10000 else 'NOT met'}: {100 * top:.2f} on {n}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=["scenes", "parts", "cifar", "photos"])
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="the exported folder, which gets README.md, training.csv and scores.json")
    parser.add_argument("--hardware", required=True)
    parser.add_argument("--note", help="of parts and photos: further lines of its training, separated by |")
    args = parser.parse_args()
    {"scenes": scenes_card, "parts": parts_card, "cifar": cifar_card, "photos": photos_card}[args.target](args)


if __name__ == "__main__":
    main()
