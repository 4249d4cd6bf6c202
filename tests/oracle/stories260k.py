"""A llama2.c model (version 0 export, with its tokenizer file) as a Hugging Face LLaMA folder: what tests/support/llama2c.c does, in
Python, checked against transformers.

    python tests/oracle/stories260k.py --out FOLDER [--model stories260K.bin --tokenizer tok512.bin --expect expected.json]
"""
import argparse
import json
import pathlib
import struct

import numpy
import torch

import tiny

FIRST_PIECE = 259


def read_model(path):
    blob = path.read_bytes()
    dim, hidden, layers, heads, kv_heads, vocab, seq = struct.unpack("<7i", blob[:28])
    data, at, state = numpy.frombuffer(blob, "<f4", offset=28), 0, {}

    def take(*shape):
        nonlocal at
        n = int(numpy.prod(shape))
        assert at + n <= len(data), "the file is shorter than its header says"
        at += n
        return torch.from_numpy(data[at - n:at].reshape(shape).copy())

    def halves(w):  # rows 2j, 2j + 1 of a head -> j, j + head_dim / 2
        hd = dim // heads
        return w.view(-1, hd // 2, 2, w.shape[-1]).transpose(1, 2).reshape(w.shape)

    kv = dim // heads * kv_heads
    state["model.embed_tokens.weight"] = take(abs(vocab), dim)
    for name, rows, cols in (("input_layernorm", dim, 0), ("self_attn.q_proj", dim, dim), ("self_attn.k_proj", kv, dim),
                             ("self_attn.v_proj", kv, dim), ("self_attn.o_proj", dim, dim), ("post_attention_layernorm", dim, 0),
                             ("mlp.gate_proj", hidden, dim), ("mlp.down_proj", dim, hidden), ("mlp.up_proj", hidden, dim)):
        for i, w in enumerate(take(layers, rows, cols) if cols else take(layers, rows)):
            rotary = "q_proj" in name or "k_proj" in name
            state[f"model.layers.{i}.{name}.weight"] = (halves(w) if rotary else w).contiguous()
    state["model.norm.weight"] = take(dim)
    take(seq, dim // heads)  # tables of cosines and sines
    if vocab < 0:
        state["lm_head.weight"] = take(-vocab, dim)
    assert at == len(data), "the file is longer than its header says"
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": dim, "intermediate_size": hidden,
              "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv_heads, "hidden_act": "silu",
              "max_position_embeddings": seq, "rms_norm_eps": 1e-05, "rope_theta": 10000, "attention_bias": False,
              "tie_word_embeddings": vocab > 0, "vocab_size": abs(vocab), "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32"}
    return config, state


def read_tokenizer(path, vocab):
    blob, at, pieces = path.read_bytes(), 4, []
    for i in range(vocab):
        score, n = struct.unpack("<fi", blob[at:at + 8])
        text = blob[at + 8:at + 8 + n].decode().replace(" ", "\u2581")
        pieces.append(({1: "<s>", 2: "</s>"}.get(i, text), score))
        at += 8 + n
    assert at == len(blob)
    return pieces


def convert(model, tokenizer, out):
    config, state = read_model(model)
    pieces = read_tokenizer(tokenizer, config["vocab_size"])
    ranked = [pieces[i][0] for i in sorted(range(FIRST_PIECE, len(pieces)), key=lambda i: (-pieces[i][1], i))]
    out.mkdir(parents=True, exist_ok=True)
    tiny.write_json(out / "config.json", config)
    tiny.save_safetensors(out / "model.safetensors", state)
    tiny.write_json(out / "tokenizer.json", tiny.bpe_json([p for p, _ in pieces], ranked), compact=True)


def check(folder, expected):
    """The greedy text that llama2.c asserts, from transformers on the converted folder."""
    from tokenizers import Tokenizer
    from transformers import LlamaForCausalLM
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    expected_ids = expected["ids"]  # <s> first
    ids = model.generate(torch.tensor([[1]]), max_new_tokens=len(expected_ids) - 1, do_sample=False, eos_token_id=None, pad_token_id=0)
    assert ids[0].tolist() == expected_ids
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert tokenizer.decode(expected_ids[1:]).startswith(expected["text"])
    opening = expected["text"][:120]
    assert tokenizer.decode(tokenizer.encode(opening).ids[1:]) == opening
    return len(expected_ids) - 1


if __name__ == "__main__":
    data = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data" / "weights" / "stories260K"
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path, default=data / "stories260K.bin")
    parser.add_argument("--tokenizer", type=pathlib.Path, default=data / "tok512.bin")
    parser.add_argument("--expect", type=pathlib.Path, default=data / "expected_greedy_200.json")
    a = parser.parse_args()
    convert(a.model, a.tokenizer, a.out)
    if a.expect.exists():
        n = check(a.out, json.loads(a.expect.read_text()))
        print(f"{a.out}: transformers continues with the {n} expected tokens")
