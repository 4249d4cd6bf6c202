"""What a patch of a picture should say to the language model: a code of CODE numbers, the first dimensions of the projector's output.

The projector is taught to give this code (mean squared error, so it gives what is to be expected where it cannot be sure), the language model's
word rows start with the code of what they name. So "red" in a question and a red patch have something in common from the first step.
"""
import torch
import torch.nn.functional as F

import world

COLOR, SHAPE, GROUND, GLYPH, ORDINAL = 0, 8, 18, 26, 62
THING, LETTER, CENTRE, RADIUS, CX, CY, PX, PY = 68, 69, 70, 71, 72, 73, 74, 75
SMALL, MIDDLE, LARGE = 76, 77, 78
CODE = 80
# dimension ranges for the record of how well each is given
PARTS = {"color": (COLOR, 8), "shape": (SHAPE, 10), "ground": (GROUND, 8), "glyph": (GLYPH, 36), "ordinal": (ORDINAL, 6)}


def weights(device=None):
    """[CODE]: how much an error in each dimension counts."""
    w = torch.ones(CODE, device=device)
    w[CENTRE] = 0.5  # one_each() is the rest of it
    w[CX:CY + 1] = 8.0
    w[RADIUS] = 3.0
    return w


def code(facts, ground, grid, where=None):
    """facts: tensors objects [b,8,5], owner, glyph, ordinal [b,n] (long, NOTHING = 255), centre [b,8]; ground [b]; where [b,n] patch numbers of the
    grid, None = all of them in order -> (code [b,n,CODE], weight [b,n])."""
    objects, owner, glyph, ordinal, centre = facts
    b, n = owner.shape
    device = owner.device
    if where is None:
        where = torch.arange(n, device=device).expand(b, n)
    out = torch.zeros(b, n, CODE, device=device)
    thing, letter = owner != world.NOTHING, glyph != world.NOTHING
    own = objects.gather(1, owner.clamp(max=7)[..., None].expand(-1, -1, 5))
    t = thing.float()[..., None]
    out[..., COLOR:COLOR + 8] = F.one_hot(own[..., 1].long(), 8) * t
    out[..., SHAPE:SHAPE + 10] = F.one_hot(own[..., 0].long(), 10) * t
    out[..., GROUND:GROUND + 8] = 0.5 * F.one_hot(ground, 8)[:, None]
    out[..., GLYPH:GLYPH + 36] = F.one_hot(glyph.clamp(max=35), 36) * letter[..., None]
    out[..., ORDINAL:ORDINAL + 6] = F.one_hot(ordinal.clamp(max=5), 6) * letter[..., None]
    out[..., THING], out[..., LETTER] = thing, letter
    at_centre = (centre.gather(1, owner.clamp(max=7)) == where) & thing
    out[..., CENTRE] = at_centre
    size = (own[..., 4].clamp(min=0.03) / 0.1).log()
    out[..., RADIUS] = size * thing
    out[..., SMALL] = (own[..., 4] < 0.085) & thing
    out[..., MIDDLE] = (own[..., 4] >= 0.085) & (own[..., 4] < 0.1225) & thing
    out[..., LARGE] = (own[..., 4] >= 0.1225) & thing
    out[..., CX] = (own[..., 2] * 2 - 1) * thing
    out[..., CY] = (own[..., 3] * 2 - 1) * thing
    out[..., PX] = ((where % grid).float() + 0.5) / grid * 2 - 1
    out[..., PY] = ((where // grid).float() + 0.5) / grid * 2 - 1
    weight = torch.full((b, n), 0.2, device=device)
    weight[thing] = 1.0
    weight[letter] = 1.5
    weight[at_centre] = 3.0
    return out, weight


def told(said, facts, ground, weight):
    """Cross entropy of the classes as the code itself tells them (ten times the code as scores): errors of squares alone teach 36 letters slowly."""
    objects, owner, glyph, ordinal, _ = facts
    thing, letter = owner != world.NOTHING, glyph != world.NOTHING
    own = objects.gather(1, owner.clamp(max=7)[..., None].expand(-1, -1, 5)).long()
    loss = 0.0
    for name, target, where in (("color", own[..., 1], thing), ("shape", own[..., 0], thing), ("glyph", glyph, letter), ("ordinal", ordinal, letter),
                                ("ground", ground[:, None].expand_as(owner), torch.ones_like(thing))):
        if bool(where.any()):
            at, n = PARTS[name]
            w = weight[where]
            loss = loss + (F.cross_entropy(10 * said[..., at:at + n][where], target[where], reduction="none") * w).sum() / w.sum()
    return loss


def one_each(said, code):
    """Cross entropy of "the centre lies here", per thing: squares alone, with the weight a centre has, let two patches of a thing say so, and things cannot
    be counted by their centres then."""
    thing, centre = code[..., THING] > 0.5, code[..., CENTRE]
    each = F.binary_cross_entropy_with_logits(10 * (said[..., CENTRE] - 0.5), centre, reduction="none")
    return 0.5 * (each * thing).sum() / centre.sum().clamp(min=1)


class Heads(torch.nn.Module):
    """Class scores on top of the vision tower's features; they only serve training."""
    SIZES = [("kind", 3), ("color", 8), ("shape", 10), ("ground", 8), ("glyph", 36), ("ordinal", 6)]

    def __init__(self, d):
        super().__init__()
        self.norm = torch.nn.LayerNorm(d)
        self.out = torch.nn.Linear(d, sum(n for _, n in self.SIZES))
        torch.nn.init.normal_(self.out.weight, std=0.02)
        torch.nn.init.zeros_(self.out.bias)

    def forward(self, features):
        return dict(zip([n for n, _ in self.SIZES], self.out(self.norm(features)).float().split([n for _, n in self.SIZES], -1)))


def seen(scores, facts, ground, weight):
    """(loss, {part: (right, of)})"""
    objects, owner, glyph, ordinal, _ = facts
    thing, letter = owner != world.NOTHING, glyph != world.NOTHING
    own = objects.gather(1, owner.clamp(max=7)[..., None].expand(-1, -1, 5)).long()
    everywhere = torch.ones_like(thing)
    kind = torch.where(thing, 1, torch.where(letter, 2, 0))
    asked = {"kind": (kind, everywhere), "color": (own[..., 1], thing), "shape": (own[..., 0], thing), "ground": (ground[:, None].expand_as(owner), everywhere),
             "glyph": (glyph, letter), "ordinal": (ordinal, letter)}
    loss, counts, total = 0.0, {}, weight.sum()
    for name, (target, where) in asked.items():
        if not bool(where.any()):
            continue
        s, t, w = scores[name][where], target[where], weight[where]
        loss = loss + (F.cross_entropy(s, t, reduction="none") * w).sum() / (total if name in ("kind", "ground") else w.sum())
        counts[name] = (int((s.argmax(-1) == t).sum()), t.numel())
    return loss, counts
