"""Gives one head of a block of the language model a new beginning: it looks for what the word names, softly, and weighs small things and large ones alike, so
that the share of its attention says how many there are.

    python models/train/recount.py --words STATE/words --out STATE/words-2 [--blocks 2,3] [--head 1]

Used once, on the network that is shipped. What a word names and what a patch shows are read from the hidden states by ridge regression; the rest of training may
change all of it. start.py's COUNTING means the same at the start of a run. Prints the share of attention by number before and after.
"""
import argparse
import math
import pathlib

import numpy
import torch

import asking
import net
import sight
import start
import train_sight
import train_words
import vocabulary
import world

CONCEPTS = 18  # colours and shapes


def reader(states, truth, ridge=0.02):
    """[outputs, d]: linear readers of truth [n, outputs] from states [n, d]."""
    n, d = states.shape
    return torch.linalg.solve(states.T @ states / n + ridge * torch.eye(d), states.T @ truth / n).T


class Case:
    """A model, a batch seen through the code, and the words that name something in it."""

    def __init__(self, model, text, library, tokenizer, records=6):
        self.model, self.prefix = model, torch.tensor(text.prefix)
        self.batch = asking.Rows(library, tokenizer, "train", 77, 0, records, 384, 160).make()
        b = self.batch
        self.image = train_words.Eyes(None, 0.05, torch.float32, "cpu").see(b, model.c.llm_dim)
        self.plan = train_words.Packed(len(text.prefix), b["where"], b["place"], b["segment"], model.c.grid, model.llm.freq, torch.float32)
        self.code, _ = sight.code(b["facts"], b["ground"], model.c.grid, b["where"])
        named, counts = start.named(text), b["thoughts"][b["thoughts"][:, 2] == asking.COUNT].tolist()
        self.words = [(r, k, named[int(b["ids"][r, k])], c) for r, k, _, c in counts if named.get(int(b["ids"][r, k]), CONCEPTS) < CONCEPTS]
        self.patches = slice(len(text.prefix), self.plan.head)

    def states(self, block):
        llm = self.model.llm
        x = torch.cat([llm.embed(self.prefix).expand(self.image.shape[0], -1, -1), self.image, llm.embed(self.batch["ids"])], 1)
        for b in llm.blocks[:block]:
            x = b(x, self.plan.cos, self.plan.sin, self.plan)
        return llm.blocks[block].ln1(x)

    def shares(self, block, head):
        """{number: (mean, spread)} of the attention that patches of what is named get among all patches."""
        s, llm = self.states(block), self.model.llm
        q, k, _ = llm.blocks[block].qkv(s).view(*s.shape[:2], 3, self.model.c.llm_heads, -1).permute(2, 0, 3, 1, 4)
        q, k = net.rotate(q, self.plan.cos, self.plan.sin)[:, head], net.rotate(k, self.plan.cos, self.plan.sin)[:, head]
        found = {}
        for r, at, concept, count in self.words:
            a = (k[r, self.patches] @ q[r, self.plan.head + at] / math.sqrt(q.shape[-1])).softmax(0)
            found.setdefault(count, []).append(float(a[self.code[r, :, concept] > 0.5].sum()))
        return {c: f"{numpy.mean(v):.2f} +- {numpy.std(v):.2f}" for c, v in sorted(found.items())}


@torch.no_grad()
def renew(case, block, head, match=3.5, slope=2.0):
    model, s = case.model, case.states(block)
    hd = model.c.llm_dim // model.c.llm_heads
    q, k, _ = model.llm.blocks[block].qkv.weight.chunk(3)
    named = torch.stack([s[r, case.plan.head + at] for r, at, _, _ in case.words])
    truth = torch.nn.functional.one_hot(torch.tensor([c for _, _, c, _ in case.words]), CONCEPTS).float()
    shown, code = s[:, case.patches].reshape(-1, model.c.llm_dim), case.code.reshape(-1, sight.CODE)
    of_word, of_patch = reader(named, truth), reader(shown, code[:, :CONCEPTS])
    of_size, mean = reader(shown, code[:, [sight.RADIUS]])[0], named.mean(0)
    slow = [p + part for p in range(hd // 2 - 8, hd // 2 - 1) for part in (0, hd // 2)]
    mix = torch.linalg.qr(torch.randn(CONCEPTS, CONCEPTS))[0][:, :len(slow)] * math.sqrt(CONCEPTS / len(slow))
    rows = slice(head * hd, (head + 1) * hd)
    q[rows], k[rows] = 0.0, 0.0
    for column, row in enumerate(slow):
        q[head * hd + row] = math.sqrt(match * math.sqrt(hd)) * (mix[:, column] @ of_word)
        k[head * hd + row] = math.sqrt(match * math.sqrt(hd)) * (mix[:, column] @ of_patch)
    q[rows.stop - 1] = math.sqrt(slope * math.sqrt(hd)) * mean / mean.square().sum()
    k[rows.stop - 1] = -math.sqrt(slope * math.sqrt(hd)) * of_size


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--words", type=pathlib.Path, required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--blocks", default="2,3")
    p.add_argument("--head", type=int, default=1)
    p.add_argument("--library", default=str(world.LIBRARY))
    p.add_argument("--tokenizer", default=str(pathlib.Path(__file__).parent / "tokenizer.json"))
    a = p.parse_args()
    torch.manual_seed(5)
    text, blocks = vocabulary.Text(a.tokenizer), [int(x) for x in a.blocks.split(",")]
    saved = torch.load(a.words / "checkpoint.pt", weights_only=True)
    o, model = saved["optimizer"], net.Llava(net.Config(**saved["config"]))
    model.load_state_dict({n[6:]: v for n, v in zip(o["names"], o["master"]) if n.startswith("model.")}, strict=False)
    case = Case(model, text, world.build(a.library), a.tokenizer)
    with torch.no_grad():
        for block in blocks:
            print(f"block {block}, head {a.head}: before {case.shares(block, a.head)}")
            renew(case, block, a.head)
            print(f"block {block}, head {a.head}: after  {case.shares(block, a.head)}")
    d, hd = model.c.llm_dim, model.c.llm_dim // model.c.llm_heads
    for block in blocks:
        i, value = o["names"].index(f"model.llm.blocks.{block}.qkv.weight"), model.llm.blocks[block].qkv.weight.detach()
        for part in (0, d):
            rows = slice(part + a.head * hd, part + (a.head + 1) * hd)
            o["master"][i][rows], o["shadow"][i][rows], o["first"][i][rows] = value[rows], value[rows], 0.0
    a.out.mkdir(parents=True, exist_ok=True)
    torch.save(saved, a.out / "checkpoint.pt")


if __name__ == "__main__":
    main()
