"""Questions as packed rows of tokens, with what a reader should have found out at each word.

A row holds the questions of one picture one after the other; each sees the picture and itself. THOUGHTS are targets at single words of a question
(how many stars are there, at "stars"; what colour is it; does this letter stand there): they exist in training only and make many small lessons of one
question with one bit of answer.
"""
import random

import numpy
import torch

import scenes
import start
import vocabulary
import world

COUNT, COLOR, SHAPE, BOTH, MATCH, TRUE, HERE = range(7)   # classes: 9, 8, 10, 4, 2, 37, 2
CLASSES = [9, 8, 10, 4, 2, 37, 2]
NAMES = ["count", "color", "shape", "both", "match", "true", "here"]
NUMBERS = 3  # x, y, log radius


class Asker:
    def __init__(self, tokenizer):
        self.text = vocabulary.Text(tokenizer)
        t = self.text
        one = lambda w: [i for form in (" " + w, w, " " + w.capitalize()) for i in [t.encode(form)] if len(i) == 1]
        self.shape = {i[0]: k for k, w in enumerate(world.SHAPES) for v in (w, start.plural(w)) for i in one(v)}
        self.color = {i[0]: k for k, w in enumerate(world.COLORS) for i in one(w)}
        self.ground = {i[0]: k for k, w in enumerate(world.BACKGROUNDS) for i in one(w)}
        self.thing = {i[0] for w in ("shape", "shapes") for i in one(w)}
        self.ordinal = {i[0]: k for k, w in enumerate(["first", "second", "third", "fourth", "fifth", "sixth"]) for i in one(w)}
        self.glyph = {t.encode(w)[0]: k for k, w in enumerate(world.GLYPHS)}
        self.quote = t.encode('"')[-1]
        assert len(self.shape) >= 20 and len(self.color) >= 8 and len(self.ground) >= 8, (self.shape, self.color, self.ground)

    def thoughts(self, ids, task, s):
        """[(place, kind, class)], [(place, x, y, log radius)]"""
        out, numbers = [], []
        objects = [(o.shape, o.color, o) for o in s.object[:s.n]]
        written = s.text.decode()
        quoted, letter = False, 0
        for k, i in enumerate(ids):
            if i == self.quote:
                quoted, letter = not quoted, 0
            elif quoted and i in self.glyph:
                true = world.GLYPHS.index(written[letter]) if letter < len(written) else 36
                out += [(k, MATCH, int(true == self.glyph[i])), (k, TRUE, true)]
                letter += 1
            elif i in self.shape:
                mine = [o for o in objects if o[0] == self.shape[i]]
                out.append((k, COUNT, len(mine)))
                if len(mine) == 1:
                    o = mine[0][2]
                    out.append((k, COLOR, o.color))
                    numbers.append((k, o.x * 2 - 1, o.y * 2 - 1, float(numpy.log(o.r / 0.1))))
                if k and ids[k - 1] in self.color:
                    out.append((k, BOTH, min(3, sum(o[1] == self.color[ids[k - 1]] for o in mine))))
            elif i in self.color:
                mine = [o for o in objects if o[1] == self.color[i]]
                out.append((k, COUNT, len(mine)))
                if len(mine) == 1:
                    out.append((k, SHAPE, mine[0][0]))
            elif i in self.thing and task == 1:
                before = self.color.get(ids[k - 1])
                out.append((k, COUNT, s.n if before is None else sum(o[1] == before for o in objects)))
            elif i in self.ground and task == 5:
                out.append((k, HERE, int(self.ground[i] == s.background)))
            elif i in self.ordinal and written:
                out.append((k, TRUE, world.GLYPHS.index(written[self.ordinal[i]])))
        return out, numbers

    def row(self, questions, s, length, rng):
        """One packed row: dict of arrays. Pairs stay together."""
        groups, i = [], 0
        while i < len(questions):
            n = 1 if questions[i].kind == scenes.SHORT else 2
            groups.append(questions[i:i + n])
            i += n
        rng.shuffle(groups)
        groups.sort(key=lambda g: rng.random() / (3.0 if g[0].task in (4, 6) else 1.5 if g[0].kind != scenes.SHORT else 1.0))
        ids, place, segment, answers, thoughts, numbers = [], [], [], [], [], []
        number = 0
        for g in groups:
            coded = [(self.text.question(q.text), self.text.answer(q.answer) + [vocabulary.EOS], q) for q in g]
            if len(ids) + sum(len(a) + len(b) - 1 for a, b, _ in coded) > length:
                continue
            for asked, answer, q in coded:
                at = len(ids)
                t, v = self.thoughts(asked, q.task, s)
                thoughts += [(at + k, kind, c) for k, kind, c in t]
                numbers += [(at + k, *x) for k, *x in v]
                for k, token in enumerate(answer):
                    answers.append((at + len(asked) - 1 + k, token, q.task, q.kind, k))
                n = len(asked) + len(answer) - 1
                ids += asked + answer[:-1]
                place += range(n)
                segment += [number] * n
                number += 1
        pad = length - len(ids)
        return (ids + [self.text.pad] * pad, place + [0] * pad, segment + list(range(1000, 1000 + pad)), answers, thoughts, numbers)


class Rows:
    """Batches for the language model. keep = patches given (all centres, more of objects and letters than of background); with pictures when `size`."""

    def __init__(self, library, tokenizer, split, seed, first, batch, length, keep=576, pictures=False, grid=24, patch=14, whole=True):
        self.world, self.asker = world.World(library, grid * patch if pictures else 0, grid), Asker(tokenizer)
        self.split, self.seed, self.index, self.batch, self.length, self.keep = split, seed, first, batch, length, keep
        self.pictures, self.grid, self.patch = pictures, grid, patch
        self.numpy_rng = numpy.random.default_rng(seed * 7 + first)

    def make(self):
        import train_sight
        rows, where, facts, ground, rgb = [], [], [], [], []
        for _ in range(self.batch):
            s = self.world.scene(self.split, self.seed, self.index)
            self.index += 1
            f = self.world.facts(s)
            n = self.grid ** 2
            if self.keep < n:
                chance = self.numpy_rng.random(n) * (1 + 3 * (f[1] != 255) + 6 * (f[2] != 255))
                chance[f[4][f[4] >= 0]] = 99
                at = numpy.sort(numpy.argsort(-chance)[:self.keep])
            else:
                at = numpy.arange(n)
            where.append(at)
            facts.append((f[0], f[1][at], f[2][at], f[3][at], f[4]))
            ground.append(s.background)
            if self.pictures:
                picture = numpy.empty((self.grid * self.patch,) * 2 + (3,), numpy.uint8)
                self.world.draw(s, picture)
                rgb.append(train_sight.patches(picture, self.patch)[at])
            rows.append(self.asker.row(self.world.questions(s), s, self.length, random.Random(s.key)))
        out = {"ids": torch.tensor([r[0] for r in rows]), "place": torch.tensor([r[1] for r in rows]), "segment": torch.tensor([r[2] for r in rows]),
               "where": torch.from_numpy(numpy.stack(where)), "ground": torch.tensor(ground), "facts": train_sight.facts_tensors(facts), "index": self.index}
        out["answers"] = torch.tensor([(b, *x) for b, r in enumerate(rows) for x in r[3]])
        out["thoughts"] = torch.tensor([(b, *x) for b, r in enumerate(rows) for x in r[4]])
        out["numbers"] = torch.tensor([(b, *x) for b, r in enumerate(rows) for x in r[5]])
        if self.pictures:
            out["rgb"] = torch.from_numpy(numpy.stack(rgb))
        return out
