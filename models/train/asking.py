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

# What is known at a word, by when (DEPTH: behind the early, middle or late blocks): how many there are; the colour or shape of the only one; how many are
# both this colour and this shape; does this letter stand there; which letter does; is it so (a background, a number, a whole text); the how-maniest
# letter this is; have the two the same colour. NUMBERS: x, y, log radius of the only one (middle); the same of this one less the one before (late).
COUNT, COLOR, SHAPE, BOTH, MATCH, TRUE, HERE, ORDINAL, SAME = range(9)
CLASSES = [9, 8, 10, 4, 2, 37, 2, 6, 2]
DEPTH = [1, 1, 1, 2, 2, 1, 2, 0, 2]
NAMES = ["count", "color", "shape", "both", "match", "true", "here", "ordinal", "same"]
NUMBERS = 3
POLITE, BRIEF = " Please answer yes or no.", "\nAnswer the question using a single word or phrase."  # as `scenes:` asks and as `mme:` does
NUMBER_WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight"]


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
        self.number = {i[0]: k for k, w in enumerate(NUMBER_WORDS) for i in one(w)}
        self.quote = t.encode('"')[-1]
        assert len(self.shape) >= 20 and len(self.color) >= 8 and len(self.ground) >= 8, (self.shape, self.color, self.ground)

    def thoughts(self, ids, task, s):
        """[(place, kind, class)], [(place, depth, x, y, log radius)]"""
        out, numbers = [], []
        objects = [(o.shape, o.color, o) for o in s.object[:s.n]]
        written = s.text.decode()
        quoted, letter, same, stated, color, shape, only = False, 0, True, None, None, None, None
        for k, i in enumerate(ids):
            counted = None
            if i == self.quote:
                if quoted:
                    out.append((k, HERE, int(same)))
                quoted, letter, same = not quoted, 0, True
            elif quoted and i in self.glyph:
                true = world.GLYPHS.index(written[letter]) if letter < len(written) else 36
                same = same and true == self.glyph[i]
                out += [(k, MATCH, int(true == self.glyph[i])), (k, TRUE, true), (k, ORDINAL, letter)]
                letter += 1
            elif i in self.number:
                stated = self.number[i]
            elif i in self.shape:
                mine = [o for o in objects if o[0] == self.shape[i]]
                counted = len(mine)
                if color is not None:
                    out.append((k, BOTH, min(3, sum(o[1] == color for o in mine))))
                shape = self.shape[i]
                if len(mine) == 1:
                    o = mine[0][2]
                    out.append((k, COLOR, o.color))
                    at = (o.x * 2 - 1, o.y * 2 - 1, float(numpy.log(o.r / 0.1)))
                    numbers.append((k, 1, *at))
                    if only is not None and only[3] != shape:
                        numbers.append((k, 2, *(x - y for x, y in zip(at, only))))
                        out.append((k, SAME, int(only[4] == o.color)))
                    only = (*at, shape, o.color)
            elif i in self.color:
                color = self.color[i]
                mine = [o for o in objects if o[1] == color]
                out.append((k, COUNT, len(mine)))
                if shape is not None:
                    out.append((k, BOTH, min(3, sum(o[0] == shape for o in mine))))
                if len(mine) == 1:
                    out.append((k, SHAPE, mine[0][0]))
            elif i in self.thing and task == 1:
                counted = s.n if color is None else sum(o[1] == color for o in objects)
            elif i in self.ground and task == 5:
                out.append((k, HERE, int(self.ground[i] == s.background)))
            elif i in self.ordinal and written:
                out += [(k, TRUE, world.GLYPHS.index(written[self.ordinal[i]])), (k, ORDINAL, self.ordinal[i])]
            if counted is not None:
                out.append((k, COUNT, counted))
                if task == 1 and stated is not None:
                    out.append((k, HERE, int(counted == stated)))
        return out, numbers

    def row(self, questions, s, length, rng, brief=0.0):
        """One packed row: dict of arrays. Pairs stay together. brief = share of the pairs asked in MME's wording."""
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
            shorten = brief and g[0].kind != scenes.SHORT and rng.random() < brief
            asked = [q.text.replace(POLITE, "") + BRIEF if shorten else q.text for q in g]
            coded = [(self.text.question(words), self.text.answer(q.answer) + [vocabulary.EOS], q) for words, q in zip(asked, g)]
            if len(ids) + sum(len(a) + len(b) - 1 for a, b, _ in coded) > length:
                continue
            for asked, answer, q in coded:
                at = len(ids)
                t, v = self.thoughts(asked, q.task, s)
                thoughts += [(at + k, kind, c) for k, kind, c in t]
                numbers += [(at + k, *x) for k, *x in v]
                for k, token in enumerate(answer):
                    answers.append((at + len(asked) - 1 + k, token, q.task, q.kind, k))
                if q.kind == scenes.SHORT and q.task == 4 and "written" in q.text:
                    spelled = [k for k, i in enumerate(answer) if i in self.glyph]
                    thoughts += [(at + len(asked) - 1 + k, ORDINAL, n) for n, k in enumerate(spelled)]
                n = len(asked) + len(answer) - 1
                ids += asked + answer[:-1]
                place += range(n)
                segment += [number] * n
                number += 1
        pad = length - len(ids)
        return (ids + [self.text.pad] * pad, place + [0] * pad, segment + list(range(1000, 1000 + pad)), answers, thoughts, numbers)


class Rows:
    """Batches for the language model. keep = patches given (all centres, more of objects and letters than of background); `pictures`: with the
    whole pictures, whatever `keep` is."""

    def __init__(self, library, tokenizer, split, seed, first, batch, length, keep=576, pictures=False, grid=24, patch=14, brief=0.0):
        self.world, self.asker = world.World(library, grid * patch if pictures else 0, grid), Asker(tokenizer)
        self.split, self.seed, self.index, self.batch, self.length, self.keep = split, seed, first, batch, length, keep
        self.pictures, self.grid, self.patch = pictures, grid, patch
        self.brief = brief
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
                rgb.append(train_sight.patches(picture, self.patch))
            rows.append(self.asker.row(self.world.questions(s), s, self.length, random.Random(s.key), self.brief))
        out = {"ids": torch.tensor([r[0] for r in rows]), "place": torch.tensor([r[1] for r in rows]), "segment": torch.tensor([r[2] for r in rows]),
               "where": torch.from_numpy(numpy.stack(where)), "ground": torch.tensor(ground), "facts": train_sight.facts_tensors(facts), "index": self.index}
        out["answers"] = torch.tensor([(b, *x) for b, r in enumerate(rows) for x in r[3]])
        out["thoughts"] = torch.tensor([(b, *x) for b, r in enumerate(rows) for x in r[4]])
        out["numbers"] = torch.tensor([(b, *x) for b, r in enumerate(rows) for x in r[5]])
        if self.pictures:
            out["rgb"] = torch.from_numpy(numpy.stack(rgb))
        return out
