"""Our plain networks against transformers and timm, without pruning: every hidden state within 1e-5."""
import torch
from safetensors import safe_open

import nets

LIMIT = 1e-5


def close(ours, theirs, what):
    error = float((ours - theirs).norm() / theirs.norm())
    assert error <= LIMIT, f"{what}: relative distance {error:.1e}"
    return error


def complete(model, info, what):
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"], f"{what}: {info}"
    return model.float().eval()


def silent(name, value):
    pass


def clip(folder, net, pixels):
    from transformers import CLIPVisionModel
    model, info = CLIPVisionModel.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, attn_implementation="eager")
    complete(model, info, folder)
    theirs = model(pixels, output_hidden_states=True)
    plan, taps = nets.Plan({}, "corrected", net.layers), {}
    hidden, _, _ = nets.vit_run(net, pixels, plan, taps.__setitem__)
    worst = close(taps["vit.embed"], theirs.hidden_states[0].flatten(0, 1), "clip embed")
    for i in range(net.layers):
        worst = max(worst, close(taps[f"vit.{i}.out"], theirs.hidden_states[i + 1].flatten(0, 1), f"clip block {i}"))
    pooled = torch.stack([nets.norm(x[0], net.w["post_ln"], net.eps) for x in hidden])
    worst = max(worst, close(pooled, theirs.pooler_output, "clip pooled"))
    print(f"    equal to transformers CLIPVisionModel: {worst:.1e}")


def timm(architecture, args, classes, pool, state, net, pixels):
    import timm as library
    model = library.create_model(architecture, num_classes=classes, global_pool=pool, **args).eval()
    model.load_state_dict(state, strict=True)
    seen = []
    for block in model.blocks:
        block.register_forward_hook(lambda module, inputs, output: seen.append(output))
    theirs = model(pixels)
    taps = {}
    hidden, _, sizes = nets.vit_run(net, pixels, nets.Plan({}, "corrected", net.layers), taps.__setitem__)
    worst = max(close(taps[f"vit.{i}.out"], seen[i].flatten(0, 1), f"{architecture} block {i}") for i in range(net.layers))
    worst = max(worst, close(torch.stack([nets.vit_logits(net, x, size) for x, size in zip(hidden, sizes)]), theirs, f"{architecture} logits"))
    print(f"    equal to timm {architecture} {'distilled ' if net.prefix == 2 else ''}{pool}: {worst:.1e}")


def llama(folder, net, text):
    from transformers import AutoTokenizer, LlamaForCausalLM
    model, info = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, attn_implementation="eager")
    complete(model, info, folder)
    ids, _ = text.prompt("plain", "Which shape is left of the blue star?")
    theirs = model(torch.tensor([ids]), output_hidden_states=True)
    plan, taps = nets.Plan({}, "corrected", 0), {}
    row, _ = nets.llama_prefill(net, net.weight("embed_tokens")[ids], plan, (0, 0), torch.zeros(0, dtype=torch.int32), 0,
                                taps.__setitem__)
    worst = max(close(taps[f"llm.{i}.out"], theirs.hidden_states[i + 1][0], f"llama layer {i}") for i in range(net.layers - 1))
    worst = max(worst, close(nets.llama_logits(net, row), theirs.logits[0, -1], "llama logits"))
    greedy = model.generate(torch.tensor([ids]), max_new_tokens=6, do_sample=False, eos_token_id=None, pad_token_id=0)[0, len(ids):]
    try:
        ours = nets.llama_generate(net, net.weight("embed_tokens")[ids], plan, (0, 0), torch.zeros(0, dtype=torch.int32), 0, 6, None,
                                   silent)
        assert ours == greedy.tolist(), f"greedy: {ours} {greedy.tolist()}"
    except nets.NearTie:
        print("    (greedy text not compared: a near tie)")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer("Which shape is left of the blue star?").input_ids == ids, tokenizer("Which shape is left of the blue star?")
    print(f"    {folder.name}: equal to transformers LlamaForCausalLM: {worst:.1e}; tokenizer and greedy text too")


def llava(folder, vit, w_projector, llm, pixels, ids, n_prefix, n_image):
    from transformers import LlavaForConditionalGeneration
    model, info = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, output_loading_info=True,
                                                                attn_implementation="eager")
    complete(model, info, folder)
    with safe_open(folder / "model.safetensors", "pt") as f:
        assert all(f.get_slice(name).get_dtype() == "F16" for name in f.keys())
    image_id = model.config.image_token_id
    whole = ids[:n_prefix] + [image_id] * n_image + ids[n_prefix:]
    theirs = model(input_ids=torch.tensor([whole]), pixel_values=pixels[None], output_hidden_states=True)
    plan, taps = nets.Plan({}, "corrected", vit.layers), {}
    hidden, patches, _ = nets.vit_run(vit, pixels[None], plan, silent, vit.layers - 1)
    image = nets.projector(w_projector, hidden[0][vit.prefix:])
    table = llm.weight("embed_tokens")
    x = torch.cat([table[ids[:n_prefix]], image, table[ids[n_prefix:]]])
    worst = close(image, theirs.image_hidden_states.reshape(image.shape), "llava projector")
    row, _ = nets.llama_prefill(llm, x, plan, (n_prefix, n_image), patches[0], n_prefix, taps.__setitem__)
    worst = max(worst, *(close(taps[f"llm.{i}.out"], theirs.hidden_states[i + 1][0], f"llava layer {i}") for i in range(llm.layers - 1)))
    worst = max(worst, close(nets.llama_logits(llm, row), theirs.logits[0, -1], "llava logits"))
    print(f"    {folder.name}: equal to transformers LlavaForConditionalGeneration: {worst:.1e}")
