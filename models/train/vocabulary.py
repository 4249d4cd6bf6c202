"""The tokenizer of the embedded model: LLaMA's tokenizer.json (BPE with byte fallback) with one piece for every word that Scenes asks with.

    python models/train/vocabulary.py --saint build/release/app/saint --out models/train/tokenizer.json

The words come from the training questions themselves. Merges only ever extend a word from its start ("\u2581st" + "a"), so a known word is one
piece and no merge reaches into digits or capitals: printed texts are read letter by letter.
"""
import argparse
import json
import pathlib
import re

import scenes

SPECIAL = ["<unk>", "<s>", "</s>"]
BOS, EOS = 1, 2
FIXED = ["USER", "ASSISTANT"]
WORD = re.compile("\u2581?[A-Za-z]+")


def collect(saint, count=6000):
    """All words of training questions and answers, as the pieces they should be: with the space before them, or without one behind \\n."""
    found = {"\u2581" + w for w in FIXED}
    for record in scenes.Stream(saint, "train", 56, 1, seed=0, count=count):
        for question in record.questions:
            texts = ["\n" + question.text, " " + question.answer]
            for text in texts:
                for word in WORD.findall(text.replace(" ", "\u2581")):
                    bare = word.lstrip("\u2581")
                    if len(bare) > 1 and bare.isupper():
                        continue  # a printed text
                    found.add(word)
    return sorted(w for w in found if len(w) > 1)


def chains(words):
    """(pieces, merges): every beginning of every word, words with a space first, short beginnings first."""
    starts = {w[:n] for w in words for n in range(2, len(w) + 1)}
    order = sorted(starts, key=lambda p: (not p.startswith("\u2581"), len(p), p))
    return order, [(p[:-1], p[-1]) for p in order]


def build(words):
    pieces, merges = chains(words)
    alphabet = ["\u2581"] + [chr(c) for c in range(0x21, 0x7f)]
    listed = SPECIAL + [f"<0x{b:02X}>" for b in range(256)] + alphabet + pieces
    assert len(set(listed)) == len(listed)
    image, pad = len(listed), len(listed) + 1
    special = [(i, t) for i, t in enumerate(SPECIAL)] + [(image, "<image>"), (pad, "<pad>")]
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": text, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                          "special": True} for i, text in special],
        "normalizer": None,  # a space in front of the whole text and of nothing behind <image>: what llava-hf calls legacy=false
        "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False},
        "post_processor": {"type": "TemplateProcessing",
                           "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                           "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                                    {"SpecialToken": {"id": "<s>", "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
                           "special_tokens": {"<s>": {"id": "<s>", "ids": [BOS], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
                                                     {"type": "ByteFallback"}, {"type": "Fuse"},
                                                     {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": True, "byte_fallback": True, "vocab": {p: i for i, p in enumerate(listed)},
                  "merges": [f"{left} {right}" for left, right in merges]}}


CONFIG = {"add_bos_token": True, "add_eos_token": False, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>",
          "clean_up_tokenization_spaces": False, "legacy": False, "model_max_length": 1024, "tokenizer_class": "LlamaTokenizer",
          "image_token": "<image>"}


class Text:
    """Encodes as the engine does with the template llava_hf. Words are looked up: no merge crosses a space, so that is exact."""
    BEFORE, AFTER = "USER: ", " ASSISTANT:"

    def __init__(self, path):
        import tokenizers
        self.json = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        raw = json.loads(json.dumps(self.json))
        raw["pre_tokenizer"]["prepend_scheme"] = "never"
        self._plain = tokenizers.Tokenizer.from_str(json.dumps(raw))
        self._whole = tokenizers.Tokenizer.from_str(json.dumps(self.json))
        self._known = {}
        ids = {t["content"]: t["id"] for t in self.json["added_tokens"]}
        self.image, self.pad = ids["<image>"], ids["<pad>"]
        self.size = self.pad + 1
        self.rows = (self.size + 63) // 64 * 64  # of the embedding
        self.prefix = [BOS] + self.encode(" " + self.BEFORE)
        self.yes, self.no = self.answer("Yes")[0], self.answer("No")[0]

    def _word(self, word):
        ids = self._known.get(word)
        if ids is None:
            ids = self._known[word] = self._plain.encode(word, add_special_tokens=False).ids
        return ids

    def encode(self, text):
        first, *rest = text.split(" ")
        out = list(self._word(first)) if first else []
        for word in rest:
            out += self._word(" " + word)
        return out

    def question(self, text):
        return self.encode("\n" + text + self.AFTER)

    def answer(self, text):
        return self.encode(" " + text)

    def decode(self, ids):
        return self._whole.decode(list(ids))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--saint", default="build/release/app/saint")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "tokenizer.json")
    args = parser.parse_args()
    words = collect(args.saint)
    args.out.write_text(json.dumps(build(words), ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    text = Text(args.out)
    longest, check = 0, 0
    for record in scenes.Stream(args.saint, "validation", 56, 1, seed=0, count=500):
        for q in record.questions:
            ids = text.question(q.text)
            if check < 3000:  # the look-up by words against the library on the whole text
                assert ids == text._plain.encode("\n" + q.text + text.AFTER, add_special_tokens=False).ids, q.text
                check += 1
            longest = max(longest, len(ids) + len(text.answer(q.answer)))
    print(f"{args.out}: {len(words)} words, {text.size} ids, {text.rows} rows; longest question with answer: {longest} tokens")


if __name__ == "__main__":
    main()
