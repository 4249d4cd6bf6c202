"""The networks in plain torch float32, one sequence at a time, with SAINT's selection at its exact places.

A prune site of a ViT lies inside a block: after the attention residual, before the second LayerNorm. One of a LLaMA lies behind a whole
layer, in prefill only. Row order in a ViT is [prefix tokens, survivors in the method's order]; in a LLaMA it stays ascending.
"""
import dataclasses
import math
import re

import torch
import torch.nn.functional as F

import saint_methods as saint


class NearTie(Exception):
    """A decision hangs on less than float32 noise: such a case would test luck, so the generator refuses it."""


def need(gap, limit, what):
    if not gap >= limit:
        raise NearTie(f"{what}: {gap:.2e} < {limit:.0e}")


# ---- settings ---------------------------------------------------------------------------------------------------------------------

VIT_DEFAULTS = {"prune_mode": "None", "keep_num": 376, "r": 16, "sim_threshold": 0.75, "K": 5, "gamma": 10.0, "keep_ratio": 0.65}
LLM_DEFAULTS = {"use_saint": False, "saint_start": 7, "saint_end": 16, "saint_threshold": 0.83, "saint_K": 5, "saint_gamma": 10.0,
                "saint_sys_length": None, "saint_image_token_length": None}
COMPAT = ("vit_default_k_gamma", "overwrite_r", "batch_mean_rate", "sys_length_36", "image_length_counts_cls", "decode_position_plus_one")


def typed(value, default):
    if isinstance(default, bool):
        return {"true": True, "false": False}[value]
    return value if isinstance(default, str) else float(value) if isinstance(default, float) else int(value)


class Plan:
    """What --set and --compat mean: vit[layer] holds the parameters of each ViT layer, llm those of the language model."""

    def __init__(self, settings, compat, vit_layers):
        self.mode = settings.get("mode", "none")
        self.vit = [dict(VIT_DEFAULTS) for _ in range(vit_layers)]
        self.llm = dict(LLM_DEFAULTS)
        self.compat = {"reference": set(COMPAT), "corrected": set()}[compat] if isinstance(compat, str) else compat
        for key, value in settings.items():
            match = re.fullmatch(r"(\w+)(?:\[(\d+)(?:-(\d+))?\])?", key)
            name, first, last = match.groups()
            if name == "mode":
                continue
            if name in VIT_DEFAULTS:
                layers = range(vit_layers) if first is None else range(int(first), int(last or first) + 1)
                for layer in layers:
                    self.vit[layer][name] = typed(value, VIT_DEFAULTS[name])
            else:
                self.llm[name] = typed(value, LLM_DEFAULTS[name])

    def vit_site(self, layer):
        p = self.vit[layer]
        return p if self.mode in ("vit", "hybrid") and p["prune_mode"] != "None" else None

    def llm_site(self, layer):
        p = self.llm
        return p if self.mode in ("llm", "hybrid") and p["use_saint"] and p["saint_start"] <= layer <= p["saint_end"] else None


def check_votes(votes, tau, drop, ordered, where):
    """The three ways in which float32 noise could change saint_drop: a pair at the threshold, the cut, the order of survivors."""
    need(float((votes.similarity - tau).abs().min()), 2e-5, f"{where}: a pair near the threshold")
    ranked = votes.score[torch.tensor(saint.descending(votes.score))]
    gaps = (ranked[:-1] - ranked[1:]) / ranked[:-1].abs().clamp(min=1)
    if 0 < drop < len(ranked):
        need(float(gaps[drop - 1]), 1e-4, f"{where}: the cut")
    if drop and ordered and drop + 1 < len(ranked):
        need(float(gaps[drop:].min()), 2e-5, f"{where}: the order of the survivors")


def vit_select(plan, layer, metrics, n_prefix):
    """Survivors (local patch rows, in order) of every image of a batch at one site."""
    p, where = plan.vit_site(layer), f"vit.{layer}"
    if p["prune_mode"] == "iterative_drop_full_graph":
        kept = []
        for metric in metrics:
            margins = []
            kept.append(saint.iterative_drop_full_graph(metric, p["keep_num"] - n_prefix, p["r"], "overwrite_r" in plan.compat, margins))
            need(min(margins, default=1.0), 1e-3, f"{where}: the cut of a round")
        return kept
    fixed = "vit_default_k_gamma" in plan.compat
    K, gamma = (5, 10.0) if fixed else (p["K"], p["gamma"])
    votes = [saint.saint_votes(metric, p["sim_threshold"], K, gamma) for metric in metrics]
    rates = [v.want for v in votes]
    if "batch_mean_rate" in plan.compat:
        rates = [saint.batch_mean_rate(votes)] * len(votes)
    for v, rate in zip(votes, rates):
        check_votes(v, p["sim_threshold"], rate, True, where)
    return [saint.saint_drop(v, rate, "vit") for v, rate in zip(votes, rates)]


# ---- Vision Transformer -----------------------------------------------------------------------------------------------------------

@dataclasses.dataclass
class Vit:
    """Tensors under canonical names; `kind` is clip, timm or mae."""
    kind: str
    heads: int
    patch: int
    eps: float
    w: dict
    layers: int
    prefix: int = 1

    @staticmethod
    def from_hf(state, heads, eps=1e-5):
        """HF CLIPVisionModel names, `vision_model.` already stripped."""
        w = {"patch.w": state["embeddings.patch_embedding.weight"], "pos": state["embeddings.position_embedding.weight"],
             "prefix": state["embeddings.class_embedding"][None], "pre_ln": pair(state, "pre_layrnorm"),
             "post_ln": pair(state, "post_layernorm")}
        layers = 1 + max(int(k.split(".")[2]) for k in state if k.startswith("encoder.layers."))
        for i in range(layers):
            at = f"encoder.layers.{i}."
            for ours, theirs in (("ln1", "layer_norm1"), ("ln2", "layer_norm2"), ("q", "self_attn.q_proj"), ("k", "self_attn.k_proj"),
                                 ("v", "self_attn.v_proj"), ("o", "self_attn.out_proj"), ("fc1", "mlp.fc1"), ("fc2", "mlp.fc2")):
                w[f"{i}.{ours}"] = pair(state, at + theirs)
        return Vit("clip", heads, w["patch.w"].shape[-1], eps, w, layers)

    @staticmethod
    def from_timm(state, heads, eps=1e-6):
        prefix = [state["cls_token"][0]] + ([state["dist_token"][0]] if "dist_token" in state else [])
        w = {"patch.w": state["patch_embed.proj.weight"], "patch.b": state["patch_embed.proj.bias"], "pos": state["pos_embed"][0],
             "prefix": torch.cat(prefix), "head": pair(state, "head")}
        for name in ("norm", "fc_norm", "head_dist"):
            if name + ".weight" in state:
                w[name] = pair(state, name)
        layers = 1 + max(int(k.split(".")[1]) for k in state if k.startswith("blocks."))
        for i in range(layers):
            at = f"blocks.{i}."
            for ours, theirs in (("ln1", "norm1"), ("ln2", "norm2"), ("o", "attn.proj"), ("fc1", "mlp.fc1"), ("fc2", "mlp.fc2")):
                w[f"{i}.{ours}"] = pair(state, at + theirs)
            weight, bias = state[at + "attn.qkv.weight"].chunk(3), state[at + "attn.qkv.bias"].chunk(3)
            for part, name in enumerate("qkv"):
                w[f"{i}.{name}"] = (weight[part], bias[part])
            for name in ("ls1", "ls2"):
                if f"{at}{name}.gamma" in state:
                    w[f"{i}.{name}"] = state[f"{at}{name}.gamma"]
        return Vit("mae" if "fc_norm" in w else "timm", heads, w["patch.w"].shape[-1], eps, w, layers, len(w["prefix"]))


def pair(state, name):
    return state[name + ".weight"].float(), state[name + ".bias"].float()


def norm(x, wb, eps):
    return F.layer_norm(x, x.shape[-1:], *wb, eps)


def split_heads(x, heads):
    return x.view(x.shape[0], heads, -1).transpose(0, 1)


def quick_gelu(x):
    return x * torch.sigmoid(1.702 * x)


def vit_embed(net, pixels):
    """pixels [3,S,S] -> the input of block 0, [prefix + patches, d]."""
    x = F.conv2d(pixels[None], net.w["patch.w"].float(), net.w.get("patch.b"), stride=net.patch)[0].flatten(1).T
    x = torch.cat([net.w["prefix"].float(), x]) + net.w["pos"].float()
    return norm(x, net.w["pre_ln"], net.eps) if net.kind == "clip" else x


def vit_attention(net, i, x, size):
    """x plus attention, the keys averaged over heads, and the class token's attention averaged over heads. size [n]: patches in each row.
    Attention is in proportion to it (ToMe), but not in a MAE, which learned with most patches missing."""
    h = norm(x, net.w[f"{i}.ln1"], net.eps)
    q, k, v = (split_heads(F.linear(h, *net.w[f"{i}.{name}"]), net.heads) for name in "qkv")
    logits = q * q.shape[-1] ** -0.5 @ k.transpose(1, 2)
    p = torch.softmax(logits if net.kind == "mae" else logits + size.log(), -1)
    out = F.linear((p @ v).transpose(0, 1).flatten(1), *net.w[f"{i}.o"])
    return x + out * net.w.get(f"{i}.ls1", 1.0), k.mean(0), p.mean(0)[0]


def vit_merge(plan, layer, x, size, keys, n_prefix):
    """One ToMe site: (rows, sizes, survivors as rows of the sequence)."""
    p, where = plan.vit_site(layer), f"vit.{layer}"
    m = saint.tome(keys, p["keep_num"], n_prefix)
    ranked = m.score[torch.tensor(saint.descending(m.score))]
    if m.source:
        need(float(ranked[len(m.source) - 1] - ranked[len(m.source)]), 2e-5, f"{where}: the cut")
    total, weight = x * size[:, None], size.clone()
    for a, b in zip(m.source, m.target):
        total[b] += x[a] * size[a]
        weight[b] += size[a]
    kept = torch.tensor(m.kept)
    return (total / weight[:, None])[kept], weight[kept], kept


def vit_watch(plan, layer, attention, n_prefix):
    """One EViT site: survivors as rows of the sequence, those the class token attends to most first."""
    seen = attention[n_prefix:]
    keep = math.ceil(round(plan.vit_site(layer)["keep_ratio"] * len(seen), 6))
    order = saint.descending(seen)
    ranked = seen[torch.tensor(order)][:keep + 1]
    need(float(((ranked[:-1] - ranked[1:]) / ranked[:-1]).min()), 2e-5, f"vit.{layer}: the order of the survivors")
    return torch.tensor(list(range(n_prefix)) + [n_prefix + i for i in order[:keep]])


def vit_mlp(net, i, x):
    act = quick_gelu if net.kind == "clip" else F.gelu
    h = act(F.linear(norm(x, net.w[f"{i}.ln2"], net.eps), *net.w[f"{i}.fc1"]))
    return x + F.linear(h, *net.w[f"{i}.fc2"]) * net.w.get(f"{i}.ls2", 1.0)


def vit_run(net, images, plan, tap, blocks=None):
    """Runs `blocks` blocks (all by default) on pixels [B,3,S,S]. Returns hidden states, surviving patch ids and the patches that each row
    stands for, one of each per image."""
    hidden = [vit_embed(net, pixels) for pixels in images]
    ids = [torch.arange(len(x) - net.prefix, dtype=torch.int32) for x in hidden]
    sizes = [torch.ones(len(x)) for x in hidden]
    tap("vit.embed", torch.cat(hidden))
    for i in range(net.layers if blocks is None else blocks):
        hidden, keys, seen = zip(*(vit_attention(net, i, x, size) for x, size in zip(hidden, sizes)))
        metrics = [m[net.prefix:] for m in keys]
        tap(f"vit.{i}.attn_resid", torch.cat(hidden))
        tap(f"vit.{i}.metric", torch.cat(metrics))
        site = plan.vit_site(i)
        if site and site["prune_mode"] in ("tome", "evit"):
            if site["prune_mode"] == "tome":
                hidden, sizes, kept = zip(*(vit_merge(plan, i, *row, net.prefix) for row in zip(hidden, sizes, keys)))
            else:
                kept = [vit_watch(plan, i, row, net.prefix) for row in seen]
                hidden, sizes = [x[k] for x, k in zip(hidden, kept)], [s[k] for s, k in zip(sizes, kept)]
            ids = [n[k[k >= net.prefix] - net.prefix] for n, k in zip(ids, kept)]
            tap(f"vit.{i}.kept", torch.cat(ids))
        elif site:
            kept = [torch.tensor(k, dtype=torch.long) for k in vit_select(plan, i, metrics, net.prefix)]
            hidden = [torch.cat([x[:net.prefix], x[net.prefix:][k]]) for x, k in zip(hidden, kept)]
            sizes = [torch.cat([s[:net.prefix], s[net.prefix:][k]]) for s, k in zip(sizes, kept)]
            ids = [n[k] for n, k in zip(ids, kept)]
            tap(f"vit.{i}.kept", torch.cat(ids))
        hidden = [vit_mlp(net, i, x) for x in hidden]
        tap(f"vit.{i}.cu", torch.tensor([0] + [len(x) for x in hidden]).cumsum(0).int())
        tap(f"vit.{i}.out", torch.cat(hidden))
    return hidden, ids, sizes


def vit_logits(net, x, size):
    """timm heads: class token, class and distillation token averaged, or (MAE) the mean of the surviving patches weighted by size, which is
    the plain one where nothing was merged."""
    if net.kind == "mae":
        weight = size[net.prefix:, None]
        return F.linear(norm((x[net.prefix:] * weight).sum(0) / weight.sum(), net.w["fc_norm"], net.eps), *net.w["head"])
    x = norm(x, net.w["norm"], net.eps)
    logits = F.linear(x[0], *net.w["head"])
    return (logits + F.linear(x[1], *net.w["head_dist"])) / 2 if "head_dist" in net.w else logits


# ---- LLaMA ------------------------------------------------------------------------------------------------------------------------

@dataclasses.dataclass
class Llama:
    heads: int
    kv_heads: int
    eps: float
    theta: float
    w: dict  # names of LlamaModel: embed_tokens.weight, layers.0..., norm.weight, lm_head.weight
    layers: int

    def weight(self, name):
        return self.w[name + ".weight"].float()


def rms(x, w, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * w


def rope(x, positions, theta):
    """x [heads, n, hd]; pairs (i, i + hd/2)."""
    half = x.shape[-1] // 2
    angle = positions.float()[:, None] * (1.0 / theta ** (torch.arange(0, 2 * half, 2).float() / (2 * half)))[None]
    cos, sin = angle.cos(), angle.sin()
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def llama_layer(net, i, x, positions, past):
    """One layer on rows x [n, d] at `positions`, behind the keys and values `past` (or None). Returns the rows and the new cache."""
    at = f"layers.{i}."
    h = rms(x, net.weight(at + "input_layernorm"), net.eps)
    q = rope(split_heads(h @ net.weight(at + "self_attn.q_proj").T, net.heads), positions, net.theta)
    k = rope(split_heads(h @ net.weight(at + "self_attn.k_proj").T, net.kv_heads), positions, net.theta)
    v = split_heads(h @ net.weight(at + "self_attn.v_proj").T, net.kv_heads)
    if past is not None:
        k, v = torch.cat([past[0], k], 1), torch.cat([past[1], v], 1)
    group = net.heads // net.kv_heads
    score = q @ k.repeat_interleave(group, 0).transpose(1, 2) / math.sqrt(q.shape[-1])
    n, total = score.shape[1:]
    score = score.masked_fill(torch.ones(n, total, dtype=torch.bool).triu(total - n + 1), -math.inf)
    out = torch.softmax(score, -1) @ v.repeat_interleave(group, 0)
    x = x + out.transpose(0, 1).flatten(1) @ net.weight(at + "self_attn.o_proj").T
    h = rms(x, net.weight(at + "post_attention_layernorm"), net.eps)
    gate = F.silu(h @ net.weight(at + "mlp.gate_proj").T) * (h @ net.weight(at + "mlp.up_proj").T)
    return x + gate @ net.weight(at + "mlp.down_proj").T, (k, v)


def llama_logits(net, row):
    return rms(row, net.weight("norm"), net.eps) @ net.weight("lm_head").T


def llama_prefill(net, x, plan, window, patch_ids, n_prefix, tap):
    """x [n, d] packed prompt. `window` = (first row, rows) that the selection looks at; the picture's rows are
    n_prefix .. n_prefix + len(patch_ids). Returns the last row and the caches."""
    positions = torch.arange(len(x))
    start, length = window
    caches = []
    is_image = (positions >= n_prefix) & (positions < n_prefix + len(patch_ids))
    patch = torch.full((len(x),), -1, dtype=torch.int32)
    patch[is_image] = patch_ids
    tap("llm.embed", x)
    for i in range(net.layers):
        x, cache = llama_layer(net, i, x, positions, None)
        caches.append(cache)
        tap(f"llm.{i}.out", x)
        if not length:
            continue
        metric = cache[0][:, start:start + length].mean(0)
        tap(f"llm.{i}.metric", metric)
        p = plan.llm_site(i)
        if p:
            votes = saint.saint_votes(metric, p["saint_threshold"], p["saint_K"], p["saint_gamma"])
            check_votes(votes, p["saint_threshold"], votes.want, False, f"llm.{i}")
            kept = [start + k for k in saint.saint_drop(votes, votes.want, "llm")]
            rows = torch.tensor(list(range(start)) + kept + list(range(start + length, len(x))), dtype=torch.long)
            x, positions, patch, is_image = x[rows], positions[rows], patch[rows], is_image[rows]
            length -= votes.want
            tap(f"llm.{i}.kept", patch[is_image])
            tap(f"llm.{i}.rows", positions.int())
    return x[-1], caches


def llama_decode(net, token, position, caches, plus_one):
    """One greedy step at `position`; each layer's cache has its own length. plus_one: layers behind the first rotate one too far."""
    x = net.weight("embed_tokens")[token][None]
    for i in range(net.layers):
        x, caches[i] = llama_layer(net, i, x, torch.tensor([position + (1 if plus_one and i > 0 else 0)]), caches[i])
    return llama_logits(net, x[0])


def llama_generate(net, x, plan, window, patch_ids, n_prefix, n_new, eos, tap):
    """Greedy: n_new tokens. Every choice must be clear and none may end the text."""
    row, caches = llama_prefill(net, x, plan, window, patch_ids, n_prefix, tap)
    logits = llama_logits(net, row)
    tap("llm.logits", logits)
    plus_one = "decode_position_plus_one" in plan.compat and plan.llm["use_saint"] and plan.mode in ("llm", "hybrid")
    answer = []
    for step in range(n_new):
        best = torch.topk(logits, 2)
        need(float(best.values[0] - best.values[1]), 1e-2, f"step {step}: the best two tokens")
        answer.append(int(best.indices[0]))
        if answer[-1] == eos:
            raise NearTie("the text ended early")
        if step + 1 < n_new:
            logits = llama_decode(net, answer[-1], len(x) + step, caches, plus_one)
            tap(f"llm.logits.step{step + 1}", logits)
    return answer


# ---- LLaVA ------------------------------------------------------------------------------------------------------------------------

def projector(w, x):
    """mlp2x_gelu; w holds the two (weight, bias) pairs."""
    return F.linear(F.gelu(F.linear(x, *w[0])), *w[1])


def llm_window(plan, n_prefix, n_image, n_full, vit_prefix):
    """(first row, rows) the LLM selection looks at. Corrected: the picture's own rows. As published: a fixed start, and the length the
    ViT stage was asked for, class token included; without a ViT stage all patches."""
    p = plan.llm
    start, length = n_prefix, n_image
    if "sys_length_36" in plan.compat:
        start = 36
    if "image_length_counts_cls" in plan.compat and n_image < n_full:
        length = n_image + vit_prefix
    return (start if p["saint_sys_length"] is None else p["saint_sys_length"],
            length if p["saint_image_token_length"] is None else p["saint_image_token_length"])
