"""Writes tests/fixtures/preprocess: what Pillow, transformers and timm make of pictures that the test can draw itself.

Needs Pillow below 13 (13 resizes very unequal sides in the other order, and every published result is older), transformers with its
Pillow-based processors, timm and torchvision. Run: python tests/oracle/preprocess_vectors.py
"""
import json
import os

import numpy as np
import PIL
import timm.data
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.deit.image_processing_pil_deit import DeiTImageProcessorPil
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

assert int(PIL.__version__.split(".")[0]) < 13, PIL.__version__
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "preprocess")
CLASSES = {c.__name__[:-3]: c for c in (CLIPImageProcessorPil, LlavaImageProcessorPil, ViTImageProcessorPil, DeiTImageProcessorPil,
                                        SiglipImageProcessorPil)}


def picture(w, h, seed):
    """Smooth ramps on the left, hard noise on the right: the same bytes as draw_picture() of tests/support/picture.h."""
    out = np.zeros((h, w, 3), np.uint8)
    state = seed
    for y in range(h):
        for x in range(w):
            for c in range(3):
                state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
                noise = state >> 24
                ramp = (x * (c + 2) + y * (4 - c)) & 255
                out[y, x, c] = ramp if 2 * x < w else noise
    return out


CLIP = {"image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]}
HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}


def hf(kind, **kw):
    return {"image_processor_type": kind, "do_resize": True, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, **kw}


HF = {
    "clip_landscape": (61, 40, hf("CLIPImageProcessor",
                               size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}, resample=3, **CLIP)),
    "clip_portrait_old_form": (33, 70, hf("CLIPImageProcessor", size=28, crop_size=28, resample=3, do_center_crop=True, **CLIP)),
    "clip_wider_resize": (45, 31, hf("CLIPImageProcessor",
                                  size={"shortest_edge": 33}, crop_size={"height": 28, "width": 28}, resample=2, **CLIP)),
    "clip_up": (9, 14, hf("CLIPImageProcessor", size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}, resample=3, **CLIP)),
    "clip_same": (28, 28, hf("CLIPImageProcessor", size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}, resample=3, **CLIP)),
    "clip_raw": (50, 40, hf("CLIPImageProcessor", size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}, resample=3, **CLIP)
                 | {"do_normalize": False}),
    "llava_pad_landscape": (61, 40, hf("LlavaImageProcessor", size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}, resample=3,
                                       do_pad=True, **CLIP)),
    "llava_pad_portrait": (30, 77, hf("LlavaImageProcessor", size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}, resample=3,
                                      do_pad=True, **CLIP)),
    "vit_stretch": (61, 40, hf("ViTImageProcessor", size={"height": 28, "width": 28}, resample=2, **HALF)),
    "vit_stretch_portrait": (21, 90, hf("ViTImageProcessor", size=28, resample=3, **HALF)),
    "deit": (61, 40, hf("DeiTImageProcessor", size={"height": 32, "width": 32}, crop_size={"height": 27, "width": 27}, do_center_crop=True,
                        resample=3, **HALF)),
    "siglip": (40, 61, hf("SiglipImageProcessor", size={"height": 28, "width": 28}, resample=3, **HALF)),
}


def timm_cfg(side, **kw):
    return {"input_size": [3, side, side], "interpolation": "bicubic", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], **kw}


TIMM = {
    "timm_landscape": (61, 40, timm_cfg(28, crop_pct=0.9)),
    "timm_portrait_bilinear": (40, 61, timm_cfg(28, crop_pct=0.9, interpolation="bilinear", mean=[0.485, 0.456, 0.406],
                                                std=[0.229, 0.224, 0.225])),
    "timm_tie_up": (64, 37, timm_cfg(26, crop_pct=0.9)),     # (29 - 26) / 2 = 1.5 -> 2
    "timm_tie_down": (37, 64, timm_cfg(28, crop_pct=0.85)),  # (32 - 28) / 2 = 2, and an odd long side
    "timm_default_crop": (45, 45, timm_cfg(28)),
    "timm_whole": (80, 51, timm_cfg(28, crop_pct=1.0, crop_mode="center")),
}

RESIZE = [(64, 48, 33, 21, "bicubic"), (64, 48, 33, 21, "bilinear"), (10, 7, 31, 40, "bicubic"), (10, 7, 31, 40, "bilinear"),
          (200, 3, 7, 9, "bicubic"), (3, 200, 9, 7, "bilinear"), (1, 1, 5, 4, "bicubic"), (17, 23, 17, 40, "bicubic"),
          (17, 23, 40, 23, "bicubic"),
          (17, 23, 17, 23, "bilinear"), (97, 89, 1, 1, "bicubic"), (40, 90, 60, 31, "bicubic")]


def run_hf(config, image):
    kw = {k: v for k, v in config.items() if k != "image_processor_type"}
    return CLASSES[config["image_processor_type"]](**kw)(image, return_tensors="np")["pixel_values"][0]


def run_timm(cfg, image):
    data = timm.data.resolve_data_config(pretrained_cfg=cfg)
    return timm.data.create_transform(**data, is_training=False)(image).numpy()


def main():
    cases = []
    for source, table, run in (("hf", HF, run_hf), ("timm", TIMM, run_timm)):
        for seed, (name, (w, h, config)) in enumerate(table.items()):
            out = run(config, Image.fromarray(picture(w, h, seed + 1))).astype(np.float32)
            np.save(os.path.join(OUT, name + ".npy"), np.ascontiguousarray(out))
            cases.append({"name": name, "source": source, "w": w, "h": h, "seed": seed + 1, "config": config})
    resize = []
    for seed, (w, h, to_w, to_h, name) in enumerate(RESIZE):
        filt = Image.BICUBIC if name == "bicubic" else Image.BILINEAR
        out = np.asarray(Image.fromarray(picture(w, h, seed + 1)).resize((to_w, to_h), filt))
        file = f"resize_{seed}.rgb"
        out.tofile(os.path.join(OUT, file))
        resize.append({"file": file, "w": w, "h": h, "seed": seed + 1, "to_w": to_w, "to_h": to_h, "filter": name})
    with open(os.path.join(OUT, "cases.json"), "w") as f:
        json.dump({"pillow": PIL.__version__, "preprocess": cases, "resize": resize}, f, indent=1)


if __name__ == "__main__":
    main()
