"""Puts the two halves of the CPU plan together: a checkpoint that export.py, evaluate.py and train_vlm.py --init read.

    python models/train/assemble.py --sight STATE/sight --words STATE/words --out STATE/checkpoint.pt
    python models/train/assemble.py --words STATE/whole --out STATE/checkpoint.pt                       # after train_whole.py
"""
import argparse
import pathlib

import torch

import net


def averaged(folder):
    s = torch.load(pathlib.Path(folder) / "checkpoint.pt", weights_only=True)
    o = s["optimizer"]
    return {n[6:]: v for n, v in zip(o["names"], o["shadow"]) if n.startswith("model.")}, s


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--sight", type=pathlib.Path)
    p.add_argument("--words", type=pathlib.Path, required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    a = p.parse_args()
    words, about = averaged(a.words)
    sees = averaged(a.sight)[0] if a.sight else {}
    config = net.Config(**about["config"])
    torch.manual_seed(0)
    model = net.Llava(config)
    missing, unexpected = model.load_state_dict({**sees, **words}, strict=False)
    assert not unexpected, unexpected
    print("not trained:", sorted({".".join(m.split(".")[:3]) for m in missing}))
    state = model.state_dict()
    torch.save({"config": vars(config), "model": state, "ema": state, "step": about["step"], "records": about.get("records", 0), "seconds": about["used"], "progress": 1.0},
               a.out)


if __name__ == "__main__":
    main()
