"""SAINT's selection rules in plain torch float32, written from their published description.

Every function sees the keys of the candidate tokens of one image (the mean over heads, prefix tokens such as CLS already taken off) and
returns local row ids. Sorting is always (score descending, index ascending), so that a tie has one answer on every machine.

    python tests/oracle/saint_methods.py [FOLDER]     compares with the recorded outputs of the published functions
                                                      (default: ../shared/golden/prune beside the checkout)
"""
import dataclasses
import json
import pathlib
import sys

import numpy
import torch


def cosine(a, b):
    """All cosines between the rows of a [n, c] and b [m, c]."""
    return (a / a.norm(dim=-1, keepdim=True)) @ (b / b.norm(dim=-1, keepdim=True)).T


def descending(score):
    """Row ids by score, best first, ties by index."""
    return torch.argsort(score, descending=True, stable=True).tolist()


@dataclasses.dataclass
class Votes:
    """What saint_drop knows before it decides how many go."""
    n: int
    similarity: torch.Tensor  # [even, odd]
    count: torch.Tensor       # [even] partners at or above the threshold
    score: torch.Tensor       # [even]
    want: int                 # even tokens with at least K partners: how many this image alone would drop


def saint_votes(keys, tau, K, gamma):
    """Each even token counts its odd partners with cosine >= tau; many close partners = redundant."""
    similarity = cosine(keys[0::2], keys[1::2])
    valid = similarity >= tau
    count = valid.sum(-1)
    mean_valid = (similarity * valid).sum(-1) / count.clamp(min=1)
    score = torch.where(count > 0, count * torch.exp(gamma * (mean_valid - tau)), similarity.mean(-1))
    return Votes(keys.shape[0], similarity, count, score, int((count >= K).sum()))


def batch_mean_rate(votes):
    """The published code gives every image of a batch the same number: the mean vote, cut to an integer."""
    return int(torch.tensor([v.want for v in votes], dtype=torch.float32).mean())


def saint_drop(votes, drop, order):
    """Drop the `drop` best-scored even tokens. The odd ones all stay.
    order 'vit': surviving even tokens by descending score, then the odd ones. order 'llm': ascending row ids.
    Nothing to drop means nothing happens: the rows are not even reordered (so the published code, and its recorded outputs)."""
    if drop == 0:
        return list(range(votes.n))
    even = descending(votes.score)[drop:]
    kept = [2 * i for i in even] + list(range(1, votes.n, 2))
    return kept if order == "vit" else sorted(kept)


def iterative_drop_full_graph(keys, keep, r, overwrite_r, margins=None):
    """Drop the tokens closest to all that remain, about 1/r of them per round, until `keep` candidates are left (ascending ids).
    overwrite_r: as published, the divisor of a round is the size of the round before. `margins`, a list, receives each round's distance
    between the last dropped and the first kept score."""
    similarity = cosine(keys, keys)
    alive = torch.arange(keys.shape[0])
    while len(alive) > keep:
        score = similarity[alive][:, alive].sum(-1)
        step = min(len(alive) - keep, len(alive) // r)
        if overwrite_r:
            r = step
        else:
            step = max(step, 1)  # a divisor above the number of tokens still makes progress
        order = descending(score)
        if margins is not None and step < len(order):
            margins.append(float(score[order[step - 1]] - score[order[step]]))
        alive = alive[torch.tensor(sorted(order[step:]), dtype=torch.long)]
    return alive.tolist()


@dataclasses.dataclass
class Matches:
    """What ToMe's bipartite matching merges: rows of the whole sequence, prefix rows counted."""
    kept: list                # survivors in order: unmerged even rows, then odd rows
    source: list              # even rows that merge away, most similar first
    target: list              # the odd row each of them goes into
    score: torch.Tensor       # of every even row: its highest cosine to an odd one; -inf for a prefix row


def tome(keys, keep, n_prefix):
    """ToMe (facebookresearch/ToMe, tome/merge.py): keys of the whole sequence. At most half of what is no prefix merges in one call."""
    drop = min(len(keys) - keep, (len(keys) - n_prefix) // 2)
    similarity = cosine(keys[0::2], keys[1::2])
    if n_prefix:
        similarity[0, :] = float("-inf")
    if n_prefix > 1:
        similarity[:, 0] = float("-inf")
    score, partner = similarity.max(-1)
    order = descending(score)
    stay = sorted(order[drop:]) if n_prefix else order[drop:]
    return Matches([2 * i for i in stay] + list(range(1, len(keys), 2)), [2 * i for i in order[:drop]],
                   [2 * int(partner[i]) + 1 for i in order[:drop]], score)


def golden(folder):
    """Replays every recorded case; returns (cases, lists compared, cases that differ)."""
    cases = json.loads((folder / "cases.json").read_text())["cases"]
    lists, wrong = 0, []
    for number, case in enumerate(cases):
        keys = torch.from_numpy(numpy.load(folder / case["keys"]))
        cls = int(case["cls"])
        images = keys[None] if keys.dim() == 2 else keys
        if case["method"] == "iterative_drop_full_graph":
            got = [iterative_drop_full_graph(image[cls:], case["keep_num"] - cls, case["r"], True) for image in images]
        else:
            votes = [saint_votes(image[cls:], case["sim_threshold"], case["K"], case["gamma"]) for image in images]
            rate = batch_mean_rate(votes)
            got = [saint_drop(v, rate, case["stage"]) for v in votes]
        got = [([0] if cls else []) + [i + cls for i in kept] for kept in got]
        expected = case["kept"] if isinstance(case["kept"][0], list) else [case["kept"]]
        lists += len(expected)
        if got != expected:
            wrong.append(number)
    return len(cases), lists, wrong


if __name__ == "__main__":
    default = pathlib.Path(__file__).resolve().parents[3] / "shared" / "golden" / "prune"
    n, n_lists, differing = golden(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default)
    print(f"{n - len(differing)} of {n} recorded cases equal, list by list ({n_lists} lists); differing: {differing}")
    sys.exit(1 if differing else 0)
