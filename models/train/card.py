"""Writes the model card of a trained folder out of what the run recorded.

    python models/train/card.py scenes --results build/train/results --folder models/scenes-vlm --hardware "1 x H200, 16 CPU cores"
    python models/train/card.py cifar  --results build/train/results --folder models/cifar10-vit --hardware "..."
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=["scenes", "cifar"])
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="the exported folder, which gets README.md, training.csv and scores.json")
    parser.add_argument("--hardware", required=True)
    args = parser.parse_args()
    {"scenes": scenes_card, "cifar": cifar_card}[args.target](args)


if __name__ == "__main__":
    main()
