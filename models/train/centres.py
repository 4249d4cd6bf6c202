"""Gives two heads of the language model that nothing else uses a new beginning: they count things by their centres.

    python models/train/centres.py --words STATE/words --sight STATE/sight --out STATE/words-2 [--block 1] [--heads 1,2]

One head looks for what a colour (or "shape") names, the other for what a shape's name does; of that, at the patch in which the centre lies, and else at the first
token. So the share of attention that does not go to the first token grows with the number, whatever the size of the things: n / (n + something). What a word names,
what a patch shows, and whether it holds a centre are read from the hidden states by ridge regression. The block before no longer writes where the code says
"centre". All of it may change in the training that follows. Prints the share by number before and after.
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
import train_words
import vocabulary
import world

COLORS, SHAPES = [*range(8), 18], list(range(8, 18))  # concepts: the code's colours and shapes, and 18 for "a thing"
CONCEPTS = 19
MATCH, CENTRE, FIRST = 6.0, 6.0, 10.8  # logits


def reader(states, truth, weight, ridge=0.003):
    """[outputs, d]: linear readers of truth [n, outputs] from states [n, d]."""
    heavy = states * weight[:, None]
    total = weight.sum()
    return torch.linalg.solve(states.T @ heavy / total + ridge * torch.eye(states.shape[1]), heavy.T @ truth / total).T


class Case:
    """A model, a batch as the vision tower sees it, and the words of it at which a number should be known."""

    def __init__(self, model, text, library, tokenizer, folder, seed, records=10):
        self.model, self.pad, self.prefix = model, text.pad, torch.tensor(text.prefix)
        b = self.batch = asking.Rows(library, tokenizer, "train", seed, 0, records, 384, 576, True).make()
        self.image = train_words.Eyes(folder, 0.0, torch.bfloat16, "cpu").see(b, model.c.llm_dim).float()
        self.plan = train_words.Packed(len(text.prefix), b["where"], b["place"], b["segment"], model.c.grid, model.llm.freq, torch.float32)
        code, _ = sight.code(b["facts"], b["ground"], model.c.grid, b["where"])
        self.shows, self.centre = torch.cat([code[..., :18], code[..., sight.THING, None]], -1), code[..., sight.CENTRE] > 0.5
        self.patches = slice(len(text.prefix), self.plan.head)
        named, self.words = start.named(text), {}
        for r, k, _, count in b["thoughts"][b["thoughts"][:, 2] == asking.COUNT].tolist():
            concept = named.get(int(b["ids"][r, k]), CONCEPTS)
            if concept == sight.THING:  # "red shapes": the red ones are counted
                before = named.get(int(b["ids"][r, k - 1]), CONCEPTS)
                concept = before if before < 8 else 18
            if concept < CONCEPTS:
                self.words[r, k] = concept, count

    @torch.no_grad()
    def states(self, block):
        llm = self.model.llm
        x = torch.cat([llm.embed(self.prefix).expand(self.image.shape[0], -1, -1), self.image, llm.embed(self.batch["ids"])], 1)
        for b in llm.blocks[:block]:
            x = b(x, self.plan.cos, self.plan.sin, self.plan)
        return llm.blocks[block].ln1(x)

    @torch.no_grad()
    def shares(self, block, head, concepts):
        """{number: share of the attention that goes to patches of what is named}"""
        s, llm = self.states(block), self.model.llm
        q, k, _ = llm.blocks[block].qkv(s).view(*s.shape[:2], 3, self.model.c.llm_heads, -1).permute(2, 0, 3, 1, 4)
        q, k = net.rotate(q, self.plan.cos, self.plan.sin)[:, head], net.rotate(k, self.plan.cos, self.plan.sin)[:, head]
        found = {}
        for (r, at), (concept, count) in self.words.items():
            if concept in concepts:
                a = (k[r, :self.plan.head] @ q[r, self.plan.head + at] / math.sqrt(q.shape[-1])).softmax(0)[self.patches]
                found.setdefault(count, []).append(float(a[self.shows[r, :, concept] > 0.5].sum()))
        return {c: f"{numpy.mean(v):.2f} +- {numpy.std(v):.2f}" for c, v in sorted(found.items())}


@torch.no_grad()
def renew(case, block, head, concepts):
    model, s = case.model, case.states(block)
    d, hd = model.c.llm_dim, model.c.llm_dim // model.c.llm_heads
    q, k, _ = model.llm.blocks[block].qkv.weight.chunk(3)
    asked = (case.batch["ids"] != case.pad).nonzero().tolist()
    words = torch.stack([s[r, case.plan.head + at] for r, at in asked])
    truth, weight = torch.zeros(len(asked), len(concepts)), torch.full((len(asked),), 0.3)  # words that name nothing look for nothing
    for i, where in enumerate(asked):
        concept = case.words.get(tuple(where), (CONCEPTS, 0))[0]
        if concept in concepts:
            truth[i, concepts.index(concept)], weight[i] = 1.0, 3.0
    of_word, of_any = reader(words, truth, weight), reader(words, torch.ones(len(asked), 1), torch.ones(len(asked)))[0]
    shown, first, centre = s[:, case.patches].reshape(-1, d), s[:, 0], case.centre.reshape(-1)
    shows = case.shows.reshape(-1, CONCEPTS)
    thing = shows[:, 18] > 0
    of_patch = reader(shown, shows[:, concepts], torch.where(thing, 5.0, 1.0))
    weight = torch.where(centre, 20.0, torch.where(thing, 1.0, 0.2))
    of_place = reader(torch.cat([shown, first]), torch.cat([CENTRE * centre, torch.full((len(first),), FIRST)])[:, None],
                      torch.cat([weight, torch.full((len(first),), 200.0)]), 0.0003)[0]
    slow = [p + part for p in range(hd // 2 - 8, hd // 2 - 1) for part in (0, hd // 2)]  # pairs that hardly turn over the picture
    rows, strength = slice(head * hd, (head + 1) * hd), math.sqrt(MATCH * math.sqrt(hd))
    q[rows], k[rows] = 0.0, 0.0
    for i, row in enumerate(slow[:len(concepts)]):
        q[head * hd + row], k[head * hd + row] = strength * of_word[i], strength * of_patch[i]
    q[rows.stop - 1], k[rows.stop - 1] = 0.3 * math.sqrt(hd) * of_any, of_place / 0.3


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--words", type=pathlib.Path, required=True)
    p.add_argument("--sight", type=pathlib.Path, required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--block", type=int, default=1)
    p.add_argument("--heads", default="1,2")
    p.add_argument("--library", default=str(world.LIBRARY))
    p.add_argument("--tokenizer", default=str(pathlib.Path(__file__).parent / "tokenizer.json"))
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(5)
    text = vocabulary.Text(a.tokenizer)
    saved = torch.load(a.words / "checkpoint.pt", weights_only=True)
    o, model = saved["optimizer"], net.Llava(net.Config(**saved["config"]))
    model.load_state_dict({n[6:]: v for n, v in zip(o["names"], o["shadow"]) if n.startswith("model.")}, strict=False)
    fit, seen = (Case(model, text, world.build(a.library), a.tokenizer, a.sight, seed) for seed in (77, 99))
    heads = list(zip(map(int, a.heads.split(",")), (COLORS, SHAPES)))
    for head, concepts in heads:
        print(f"block {a.block}, head {head}: before {seen.shares(a.block, head, concepts)}")
    with torch.no_grad():
        for b in model.llm.blocks[:a.block]:
            b.out.weight[sight.CENTRE], b.down.weight[sight.CENTRE] = 0.0, 0.0
    for head, concepts in heads:
        renew(fit, a.block, head, concepts)
        print(f"block {a.block}, head {head}: after  {seen.shares(a.block, head, concepts)}")
    state = {"model." + n: v.detach() for n, v in model.state_dict().items()}
    for i, n in enumerate(o["names"]):  # goes on from the averaged weights
        if n in state:
            if not torch.equal(o["shadow"][i], state[n]):
                o["first"][i].zero_()
            o["shadow"][i].copy_(state[n])
        o["master"][i].copy_(o["shadow"][i])
    a.out.mkdir(parents=True, exist_ok=True)
    torch.save(saved, a.out / "checkpoint.pt")


if __name__ == "__main__":
    main()
