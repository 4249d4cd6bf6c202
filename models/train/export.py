"""Writes a checkpoint as a LLaVA folder in Hugging Face's layout, and shows that everyone computes the same with it.

    python models/train/export.py --checkpoint STATE/checkpoint.pt --out models/scenes-vlm [--check 20] [--saint build/release/app/saint]

Checks: the folder read back into the training network, transformers' LlavaForConditionalGeneration and `saint run` give the same logits
(float32, relative distance 1e-5) and the same greedy answer ids on pictures of the test split.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import tempfile

import numpy
import torch
from safetensors.torch import load_file, save_file

import net
import vocabulary

HERE = pathlib.Path(__file__).resolve().parent
TOWER, PROJECTOR, LANGUAGE = "model.vision_tower.vision_model.", "model.multi_modal_projector.", "model.language_model."
MAX_NEW = 12


# ---- names ------------------------------------------------------------------------------------------------------------------------

def pairs(c):
    """[(our name, [their names])]: several of theirs lie one below the other in ours."""
    out = [("vit.cls", [TOWER + "embeddings.class_embedding"]), ("vit.patch.weight", [TOWER + "embeddings.patch_embedding.weight"]),
           ("vit.pos", [TOWER + "embeddings.position_embedding.weight"]), ("llm.embed.weight", [LANGUAGE + "embed_tokens.weight"]),
           ("llm.norm.weight", [LANGUAGE + "norm.weight"]), ("llm.head.weight", ["lm_head.weight"])]
    for part in ("weight", "bias"):
        out += [(f"vit.pre.{part}", [f"{TOWER}pre_layrnorm.{part}"]), (f"vit.post.{part}", [f"{TOWER}post_layernorm.{part}"]),
                (f"fc1.{part}", [f"{PROJECTOR}linear_1.{part}"]), (f"fc2.{part}", [f"{PROJECTOR}linear_2.{part}"])]
        for i in range(c.vit_layers):
            at, theirs = f"vit.blocks.{i}.", f"{TOWER}encoder.layers.{i}."
            out += [(f"{at}ln1.{part}", [f"{theirs}layer_norm1.{part}"]), (f"{at}ln2.{part}", [f"{theirs}layer_norm2.{part}"]),
                    (f"{at}qkv.{part}", [f"{theirs}self_attn.{x}_proj.{part}" for x in "qkv"]), (f"{at}out.{part}", [f"{theirs}self_attn.out_proj.{part}"]),
                    (f"{at}fc1.{part}", [f"{theirs}mlp.fc1.{part}"]), (f"{at}fc2.{part}", [f"{theirs}mlp.fc2.{part}"])]
    for i in range(c.llm_layers):
        at, theirs = f"llm.blocks.{i}.", f"{LANGUAGE}layers.{i}."
        out += [(f"{at}ln1.weight", [f"{theirs}input_layernorm.weight"]), (f"{at}ln2.weight", [f"{theirs}post_attention_layernorm.weight"]),
                (f"{at}qkv.weight", [f"{theirs}self_attn.{x}_proj.weight" for x in "qkv"]), (f"{at}out.weight", [f"{theirs}self_attn.o_proj.weight"]),
                (f"{at}up.weight", [f"{theirs}mlp.gate_proj.weight", f"{theirs}mlp.up_proj.weight"]), (f"{at}down.weight", [f"{theirs}mlp.down_proj.weight"])]
    return out


def to_hf(state, c):
    out = {}
    for ours, theirs in pairs(c):
        value = state[ours]
        if ours == "vit.patch.weight":
            value = value.view(c.vit_dim, 3, c.patch, c.patch)
        for name, piece in zip(theirs, value.chunk(len(theirs))):
            out[name] = piece.to(torch.float16).contiguous()
    return out


def from_hf(tensors, c):
    out = {}
    for ours, theirs in pairs(c):
        value = torch.cat([tensors[n] for n in theirs]).float()
        out[ours] = value.flatten(1) if ours == "vit.patch.weight" else value
    return out


def read_config(folder):
    j = json.loads((pathlib.Path(folder) / "config.json").read_text())
    v, t = j["vision_config"], j["text_config"]
    return net.Config(side=v["image_size"], patch=v["patch_size"], vit_dim=v["hidden_size"], vit_layers=v["num_hidden_layers"], vit_heads=v["num_attention_heads"],
                      vit_mlp=v["intermediate_size"], llm_dim=t["hidden_size"], llm_layers=t["num_hidden_layers"], llm_heads=t["num_attention_heads"],
                      llm_mlp=t["intermediate_size"], rows=t["vocab_size"], theta=t["rope_theta"])


def read_weights(path, config):
    """State of the training network out of a checkpoint file (averaged weights) or an exported folder (without the dense head)."""
    path = pathlib.Path(path)
    if path.is_dir():
        return from_hf(load_file(path / "model.safetensors"), config)
    return torch.load(path, map_location="cpu", weights_only=True)["ema"]


def load_any(path, device="cpu"):
    """(model, what is known of it) of either."""
    path = pathlib.Path(path)
    if not path.is_dir():
        model, saved = net.load(path, device)
        return model, {k: saved[k] for k in ("step", "records", "seconds", "progress")}
    config = read_config(path)
    model = net.Llava(config)
    missing, unexpected = model.load_state_dict(read_weights(path, config), strict=False)
    assert not unexpected and all(m.startswith("dense.") for m in missing), (missing, unexpected)
    return model.to(device).eval(), {}


# ---- the folder -------------------------------------------------------------------------------------------------------------------

def configs(c, text):
    vision = {"model_type": "clip_vision_model", "hidden_size": c.vit_dim, "intermediate_size": c.vit_mlp, "num_hidden_layers": c.vit_layers,
              "num_attention_heads": c.vit_heads, "num_channels": 3, "image_size": c.side, "patch_size": c.patch, "hidden_act": "quick_gelu",
              "layer_norm_eps": c.eps, "projection_dim": c.vit_dim}
    language = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": c.llm_dim, "intermediate_size": c.llm_mlp,
                "num_hidden_layers": c.llm_layers, "num_attention_heads": c.llm_heads, "num_key_value_heads": c.llm_heads, "hidden_act": "silu",
                "max_position_embeddings": 2048, "rms_norm_eps": c.eps, "rope_theta": c.theta, "attention_bias": False, "tie_word_embeddings": False,
                "vocab_size": c.rows, "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS, "torch_dtype": "float16"}
    return {
        "config.json": {"architectures": ["LlavaForConditionalGeneration"], "model_type": "llava", "ignore_index": -100, "image_token_index": text.image,
                        "pad_token_id": text.pad, "projector_hidden_act": "gelu", "vision_feature_layer": -2, "vision_feature_select_strategy": "default",
                        "tie_word_embeddings": False, "image_seq_length": c.grid ** 2, "text_config": language, "vision_config": vision,
                        "torch_dtype": "float16", "vocab_size": c.rows},
        "generation_config.json": {"bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS, "pad_token_id": text.pad, "do_sample": False},
        "preprocessor_config.json": {"crop_size": {"height": c.side, "width": c.side}, "do_center_crop": True, "do_convert_rgb": True, "do_normalize": True,
                                     "do_rescale": True, "do_resize": True, "image_mean": net.MEAN, "image_std": net.STD,
                                     "image_processor_type": "CLIPImageProcessor", "resample": 3, "rescale_factor": 1 / 255, "size": {"shortest_edge": c.side}},
        "processor_config.json": {"processor_class": "LlavaProcessor", "image_token": "<image>", "patch_size": c.patch, "num_additional_image_tokens": 1,
                                  "vision_feature_select_strategy": "default"},
        "tokenizer_config.json": vocabulary.CONFIG,
        "saint.json": {"template": "llava_hf", "image_mode": "pad"},
    }


def write(model, text, tokenizer, out):
    out.mkdir(parents=True, exist_ok=True)
    for name, value in configs(model.c, text).items():
        body = re.sub(r"\[[\d\s,.]*\]", lambda m: " ".join(m[0].split()), json.dumps(value, indent=1, ensure_ascii=False))
        (out / name).write_text(body + "\n", encoding="utf-8")
    shutil.copyfile(tokenizer, out / "tokenizer.json")
    save_file(to_hf(model.state_dict(), model.c), out / "model.safetensors", metadata={"format": "pt"})
    for name in out.iterdir():
        name.chmod(0o644)
    size = sum(f.stat().st_size for f in out.iterdir())
    print(f"{out}: {size / 1e6:.2f} MB, weights {(out / 'model.safetensors').stat().st_size / 1e6:.2f} MB")


# ---- checks -----------------------------------------------------------------------------------------------------------------------

@torch.no_grad()
def greedy(model, text, rgb, question):
    """(answer ids without the end of the text, logits behind the prompt)"""
    import scenes
    asked = text.question(question)
    layout = scenes.Layout(model.c.grid, len(text.prefix), 1, len(asked) + MAX_NEW)
    plan = net.Plan(layout, "cpu")
    image, _ = model.picture(torch.from_numpy(numpy.array(rgb))[None])
    ids, first = list(asked), None
    while True:
        row = torch.tensor([ids + [text.pad] * (layout.width - len(ids))], dtype=torch.int16)
        logits = model.answers(image, torch.tensor(text.prefix), row, torch.tensor([[len(ids) - 1]], dtype=torch.int16), plan)[0, 0]
        first = logits if first is None else first
        best = int(logits.argmax())
        if best == vocabulary.EOS or len(ids) - len(asked) == MAX_NEW - 1:
            return ids[len(asked):], first
        ids.append(best)


def check_transformers(out, model, text, cases):
    from transformers import AutoTokenizer, LlavaForConditionalGeneration
    theirs, info = LlavaForConditionalGeneration.from_pretrained(out, dtype=torch.float32, output_loading_info=True, attn_implementation="eager")
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"], info
    theirs.eval()
    tokenizer = AutoTokenizer.from_pretrained(out)
    worst, mean, std = 0.0, torch.tensor(net.MEAN).view(3, 1, 1), torch.tensor(net.STD).view(3, 1, 1)
    for path, rgb, question, ids, logits in cases:
        plain = f"Question: {question} Answer:"
        assert tokenizer(plain).input_ids == [vocabulary.BOS] + text.encode(" " + plain), plain
        whole = text.prefix + [text.image] * model.c.grid ** 2 + text.question(question)
        pixels = (torch.from_numpy(numpy.array(rgb)).permute(2, 0, 1).float() / 255 - mean) / std
        with torch.no_grad():
            got = theirs(input_ids=torch.tensor([whole]), pixel_values=pixels[None]).logits[0, -1]
        worst = max(worst, float((got - logits).norm() / got.norm()))
        if ids:
            with torch.no_grad():
                said = theirs.generate(input_ids=torch.tensor([whole]), pixel_values=pixels[None], attention_mask=torch.ones(1, len(whole), dtype=torch.long),
                                       max_new_tokens=MAX_NEW - 1, do_sample=False)[0, len(whole):].tolist()
            said = said[:said.index(vocabulary.EOS)] if vocabulary.EOS in said else said
            assert said == ids, (path, question, said, ids)
    assert worst < 1e-5, f"logits differ from transformers by {worst:.1e}"
    print(f"transformers LlavaForConditionalGeneration: logits within {worst:.1e}, greedy answers equal, {len(cases)} pictures")


def check_saint(out, saint, text, cases):
    from safetensors import safe_open
    worst = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        for path, rgb, question, ids, logits in cases:
            trace = pathlib.Path(scratch) / "trace.safetensors"
            done = subprocess.run([saint, "run", "--model", str(out), "--image", str(path), "--prompt", question, "--max-new-tokens", str(MAX_NEW - 1), "--json",
                                   "--trace", str(trace)], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            said = json.loads(done.stdout)
            got = [i for i in said["answer_ids"] if i != vocabulary.EOS]
            assert got == ids, (path, question, got, ids)
            assert said["answer"].strip() == text.decode(ids).strip(), (said["answer"], text.decode(ids))
            with safe_open(trace, "pt") as f:
                name = [n for n in f.keys() if n.endswith("logits")]
                if name:
                    theirs = f.get_tensor(name[0]).flatten()[-logits.numel():]
                    worst = max(worst, float((theirs - logits).norm() / logits.norm()))
    print(f"saint run: answer ids and texts equal, logits within {worst:.1e}, {len(cases)} pictures")
    assert worst < 1e-4, worst


def check(out, saint, text, count):
    import evaluate
    model, _ = load_any(out)
    with tempfile.TemporaryDirectory() as scratch:
        data = pathlib.Path(scratch) / "scenes"
        subprocess.run([saint, "data", "scenes", "--out", str(data), "--split", "test", "--seed", "1", "--count", str(-(-count // 7)), "--size", str(model.c.side)],
                       check=True, stdout=subprocess.DEVNULL)
        items = evaluate.read_folder(data)[:count]
        cases = []
        for i, (path, rgb, questions) in enumerate(items):
            question = questions[i % len(questions)].text
            cases.append((path, rgb, question, *greedy(model, text, rgb, question)))
        check_saint(out, saint, text, cases)
        check_transformers(out, model, text, cases)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", help="checkpoint.pt of train_vlm.py; without it an existing folder is only checked")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--saint", default=str(HERE.parents[1] / "build/release/app/saint"))
    parser.add_argument("--tokenizer", default=str(HERE / "tokenizer.json"))
    parser.add_argument("--check", type=int, default=20, help="pictures to compare on; 0 = none")
    args = parser.parse_args()
    text = vocabulary.Text(args.tokenizer)
    if args.checkpoint:
        model, _ = net.load(args.checkpoint)
        write(model, text, args.tokenizer, args.out)
    if args.check:
        check(args.out, args.saint, text, args.check)


if __name__ == "__main__":
    main()
