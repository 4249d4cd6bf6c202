"""Tiny random models, pictures and a tokenizer, all from fixed seeds, written in the layouts that the real checkpoints have.

Weights are large enough for every layer to matter, and pictures have regions of one colour, so that SAINT finds something to drop.
"""
import io
import json
import pathlib
import re

import numpy
import torch
from PIL import Image
from safetensors.torch import save_file

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Random:
    """Named, reproducible tensors: numpy's PCG64 stream does not change between versions."""

    def __init__(self, seed):
        self.rng = numpy.random.default_rng(seed)

    def __call__(self, *shape, std=1.0, mean=0.0):
        return torch.from_numpy((self.rng.standard_normal(shape) * std + mean).astype(numpy.float32))

    def linear(self, rows, cols, gain=1.0):
        return self(rows, cols, std=gain / cols ** 0.5)


# ---- pictures ---------------------------------------------------------------------------------------------------------------------

def picture(seed, side, regions=5):
    """uint8 [side, side, 3]: Voronoi regions of one colour each, with noise that differs by region."""
    rng = numpy.random.default_rng(seed)
    centre = rng.uniform(0, side, (regions, 2))
    colour = rng.uniform(20, 235, (regions, 3))
    noise = rng.uniform(2, 26, regions)
    y, x = numpy.mgrid[0:side, 0:side]
    region = ((y[..., None] - centre[:, 0]) ** 2 + (x[..., None] - centre[:, 1]) ** 2).argmin(-1)
    value = colour[region] + rng.standard_normal((side, side, 3)) * noise[region][..., None]
    return numpy.clip(value.round(), 0, 255).astype(numpy.uint8)


def save_picture(path, pixels):
    Image.fromarray(pixels).save(path, optimize=True)


def normalise(pixels, mean, std):
    """What every processor does with a picture that has the network's size: x / 255, minus mean, by std, channels first."""
    x = torch.from_numpy(pixels).float().permute(2, 0, 1) / 255
    return ((x - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]).contiguous()


# ---- networks ---------------------------------------------------------------------------------------------------------------------

def add_norm(state, name, random, d, bias=True):
    state[name + ".weight"] = random(d, std=0.2, mean=1.0)
    if bias:
        state[name + ".bias"] = random(d, std=0.1)


def add_linear(state, name, random, rows, cols, gain=1.0, bias=True):
    state[name + ".weight"] = random.linear(rows, cols, gain)
    if bias:
        state[name + ".bias"] = random(rows, std=0.1)


def clip_vision(seed, d, layers, ffn, patch, side):
    """HF names without `vision_model.`."""
    random, grid, state = Random(seed), side // patch, {}
    state["embeddings.class_embedding"] = random(d, std=0.7)
    state["embeddings.patch_embedding.weight"] = random(d, 3, patch, patch, std=1.2 / (3 * patch * patch) ** 0.5)
    state["embeddings.position_embedding.weight"] = random(grid * grid + 1, d, std=0.25)
    add_norm(state, "pre_layrnorm", random, d)
    for i in range(layers):
        at = f"encoder.layers.{i}."
        add_norm(state, at + "layer_norm1", random, d)
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            add_linear(state, at + "self_attn." + name, random, d, d)
        add_norm(state, at + "layer_norm2", random, d)
        add_linear(state, at + "mlp.fc1", random, ffn, d)
        add_linear(state, at + "mlp.fc2", random, d, ffn)
    add_norm(state, "post_layernorm", random, d)
    return state


def timm_vit(seed, d, layers, ffn, patch, side, classes, distilled=False, layer_scale=False, fc_norm=False):
    random, grid, state = Random(seed), side // patch, {}
    state["cls_token"] = random(1, 1, d, std=0.7)
    if distilled:
        state["dist_token"] = random(1, 1, d, std=0.7)
    state["pos_embed"] = random(1, grid * grid + (2 if distilled else 1), d, std=0.25)
    state["patch_embed.proj.weight"] = random(d, 3, patch, patch, std=1.0 / (3 * patch * patch) ** 0.5)
    state["patch_embed.proj.bias"] = random(d, std=0.1)
    for i in range(layers):
        at = f"blocks.{i}."
        add_norm(state, at + "norm1", random, d)
        add_linear(state, at + "attn.qkv", random, 3 * d, d)
        add_linear(state, at + "attn.proj", random, d, d)
        add_norm(state, at + "norm2", random, d)
        add_linear(state, at + "mlp.fc1", random, ffn, d)
        add_linear(state, at + "mlp.fc2", random, d, ffn)
        if layer_scale:
            state[at + "ls1.gamma"] = random(d, std=0.3, mean=0.6)
            state[at + "ls2.gamma"] = random(d, std=0.3, mean=0.6)
    add_norm(state, "fc_norm" if fc_norm else "norm", random, d)
    add_linear(state, "head", random, classes, d)
    if distilled:
        add_linear(state, "head_dist", random, classes, d)
    return state


def llama(seed, d, layers, heads, kv_heads, ffn, vocab):
    """Names of LlamaForCausalLM without `model.`. The fastest rotary pairs of the keys are made small, so that a key depends more on
    what a token is than on where it stands: otherwise no two picture rows would look alike."""
    random, hd, state = Random(seed), d // heads, {}
    half = hd // 2
    calm = torch.ones(hd)
    calm[[0, half]], calm[[1, half + 1]] = 0.2, 0.5
    state["embed_tokens.weight"] = random(vocab, d)
    for i in range(layers):
        at = f"layers.{i}."
        add_norm(state, at + "input_layernorm", random, d, bias=False)
        add_linear(state, at + "self_attn.q_proj", random, d, d, bias=False)
        add_linear(state, at + "self_attn.k_proj", random, kv_heads * hd, d, bias=False)
        state[at + "self_attn.k_proj.weight"] *= calm.repeat(kv_heads)[:, None]
        add_linear(state, at + "self_attn.v_proj", random, kv_heads * hd, d, bias=False)
        add_linear(state, at + "self_attn.o_proj", random, d, d, bias=False)
        add_norm(state, at + "post_attention_layernorm", random, d, bias=False)
        add_linear(state, at + "mlp.gate_proj", random, ffn, d, bias=False)
        add_linear(state, at + "mlp.up_proj", random, ffn, d, bias=False)
        add_linear(state, at + "mlp.down_proj", random, d, ffn, bias=False)
    add_norm(state, "norm", random, d, bias=False)
    state["lm_head.weight"] = random.linear(vocab, d, gain=1.5)
    state["lm_head.weight"][:3] *= 0.02  # a text of <unk> would show little, </s> would end it
    state["lm_head.weight"][VOCAB:] *= 0.02
    return state


# ---- tokenizer --------------------------------------------------------------------------------------------------------------------

SYSTEM = ("A chat between a curious user and an artificial intelligence assistant. "
          "The assistant gives helpful, detailed, and polite answers to the user's questions.")
SENTENCES = [
    SYSTEM, SYSTEM + " USER: ASSISTANT:", "USER: ASSISTANT:", "USER: ASSISTANT:",
    "Answer the question using a single word or phrase.", "Answer with the option's letter from the given choices directly.",
    "Is there a red square in the picture?", "Is there a train in this image? Please answer yes or no.",
    "What colour is the large circle?", "How many small triangles are there?", "Which shape is left of the blue star?",
    "The picture shows a red square above a green circle.", "Yes, there is one.", "No, there is none.", "Yes", "No",
    "Neighbouring patches of one colour have nearly the same keys, so most of them can go.",
    "A token that has many close partners tells the model nothing new.",
    "The cat sat on the mat and looked at the quick brown fox.", "1 2 3 4 5 6 7 8 9 0",
]
VOCAB = 400
IMAGE, PAD, PADDED_VOCAB = VOCAB, VOCAB + 1, VOCAB + 16  # what llava-hf appends behind LLaMA's own pieces


def train_sentencepiece():
    """tokenizer.model as LLaMA's: BPE with byte fallback, no normalisation, a leading space, white space kept."""
    import sentencepiece
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES), model_writer=out, vocab_size=VOCAB, model_type="bpe", byte_fallback=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=True, character_coverage=1.0,
        split_digits=True, num_threads=1, minloglevel=2)
    return out.getvalue()


def tokenizer_json(model, extra=(), legacy=True):
    """The tokenizer.json of a SentencePiece model whose pieces lie in order of score. legacy: a space in front of every section of a text,
    else of its start alone."""
    import sentencepiece
    sp = sentencepiece.SentencePieceProcessor(model_proto=model)
    pieces = [sp.id_to_piece(i) for i in range(len(sp))]
    out = bpe_json(pieces, pieces[259:], extra)
    if not legacy:
        out["normalizer"] = None
        out["pre_tokenizer"] = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False}
    return out


def bpe_json(pieces, ranked, extra=()):
    """LLaMA's tokenizer.json as Hugging Face writes it: merges in order of the merged piece's score, ties by the parts' own ids."""
    rank = {piece: i for i, piece in enumerate(pieces)}
    merges = []
    for piece in ranked:
        splits = [(piece[:i], piece[i:]) for i in range(1, len(piece)) if piece[:i] in rank and piece[i:] in rank]
        merges += sorted(splits, key=lambda lr: (rank[lr[0]], rank[lr[1]]))
    special = [(i, pieces[i]) for i in range(3)] + list(extra)
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": text, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                          "special": True} for i, text in special],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                                                           {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
        "pre_tokenizer": None,
        "post_processor": {"type": "TemplateProcessing",
                           "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                           "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                                    {"SpecialToken": {"id": "<s>", "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
                           "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
                                                     {"type": "ByteFallback"}, {"type": "Fuse"},
                                                     {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": True, "byte_fallback": True, "vocab": rank, "merges": [f"{l} {r}" for l, r in merges]}}


TOKENIZER_CONFIG = {"add_bos_token": True, "add_eos_token": False, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
                    "clean_up_tokenization_spaces": False, "legacy": True, "model_max_length": 2048, "tokenizer_class": "LlamaTokenizer"}


class Text:
    """Encodes chunks both ways that prompts need: with and without SentencePiece's leading space."""

    def __init__(self, model):
        import sentencepiece
        import tokenizers
        self.sp = sentencepiece.SentencePieceProcessor(model_proto=model)
        fast = tokenizer_json(model)
        self.with_prefix = tokenizers.Tokenizer.from_str(json.dumps(fast))
        fast["normalizer"]["normalizers"].pop(0)
        self.without_prefix = tokenizers.Tokenizer.from_str(json.dumps(fast))

    def encode(self, text, dummy_prefix=True):
        ids = (self.with_prefix if dummy_prefix else self.without_prefix).encode(text, add_special_tokens=False).ids
        if dummy_prefix:
            assert ids == self.sp.encode(text), text
        return ids

    def prompt(self, template, question):
        """(ids, ids before the picture) as the published processors cut the text around the picture."""
        if template == "vicuna_v1":  # liuhaotian/llava: every chunk gets a leading space of its own
            chunks, later_prefix = (f"{SYSTEM} USER: ", f"\n{question} ASSISTANT:"), True
        elif template == "llava_hf":  # llava-hf processors: no system text, no second leading space
            chunks, later_prefix = ("USER: ", f"\n{question} ASSISTANT:"), False
        else:
            return [1] + self.encode(question), 0
        before = [1] + self.encode(chunks[0])
        return before + self.encode(chunks[1], later_prefix), len(before)


# ---- files ------------------------------------------------------------------------------------------------------------------------

def prefixed(state, prefix):
    return {prefix + name: value for name, value in state.items()}


def to(state, dtype):
    return {name: value.to(dtype).contiguous() for name, value in state.items()}


def write_json(path, value, compact=False):
    text = json.dumps(value, ensure_ascii=False, **({"separators": (",", ":")} if compact else {"indent": 1}))
    text = text if compact else re.sub(r"\[[\d\s,.]*\]", lambda m: " ".join(m[0].split()), text)  # lists of numbers on one line
    pathlib.Path(path).write_text(text + "\n", encoding="utf-8")


def save_safetensors(path, state):
    save_file(state, path, metadata={"format": "pt"})


def split_in_two(state):
    """Two parts of about equal bytes, in order of name."""
    half, parts, done = sum(v.nbytes for v in state.values()) / 2, ({}, {}), 0
    for name in sorted(state):
        parts[0 if done < half else 1][name] = state[name]
        done += state[name].nbytes
    return parts


def save_sharded(folder, state, stem, suffix, write):
    """Hugging Face's two-shard layout: stem-0000k-of-00002.suffix and the index."""
    weight_map = {}
    for k, part in enumerate(split_in_two(state), 1):
        name = f"{stem}-{k:05d}-of-00002.{suffix}"
        write(folder / name, part)
        weight_map.update({tensor: name for tensor in part})
    write_json(folder / f"{stem}.{suffix}.index.json",
               {"metadata": {"total_size": sum(v.nbytes for v in state.values())}, "weight_map": dict(sorted(weight_map.items()))})


def save_torch(path, value):
    torch.save(value, path)
