"""Pictures with the habits of photographs, and what happens to them, for the correctors' tests."""

from io import BytesIO

import numpy as np
import torch
from PIL import Image

from tests.correctors.test_nets import tiny
from unlossy.codecs import decode_hinted
from unlossy.correctors.nets.sizes import save_network


def scene(height=96, width=128, seed=0, grey=False, noise=0.0):
    """Smooth shades, edges at any angle and fine texture; optionally with noise of a deviation in grey levels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(float)
    planes = np.zeros((height, width, 3))
    for _ in range(12):
        angle, place, colour = rng.uniform(0, np.pi), rng.uniform(-0.3, 1.0), rng.uniform(-60, 60, 3)
        side = np.cos(angle) * x + np.sin(angle) * y > place * max(height, width)
        planes += side[:, :, None] * colour
    waves = np.sin(x * rng.uniform(0.05, 0.9) + y * rng.uniform(0.05, 0.9)) * 12
    picture = planes * 0.6 + waves[:, :, None] + rng.normal(0, 1, planes.shape) * noise + rng.uniform(90, 160, 3)
    picture = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return picture[:, :, :1].copy() if grey else picture


def jpeg_bytes(image_hwc, quality, subsampling="4:2:0", **options):
    image = Image.fromarray(image_hwc[:, :, 0] if image_hwc.shape[2] == 1 else image_hwc)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling=subsampling, **options)
    return buffer.getvalue()


def as_jpeg(image_hwc, quality, subsampling="4:2:0"):
    return decode_hinted(jpeg_bytes(image_hwc, quality, subsampling))


def tiny_weights(folder, seed=0):
    """A weights file of a tiny network of ours whose every weight matters."""
    save_network(folder / "tiny.safetensors", tiny(seed), {})
    return folder / "tiny.safetensors"


def dncnn_weights():
    """Weights of the right shapes for DnCNN-3, random, keeping the size of what passes (He et al. 2015)."""
    generator, tensors = torch.Generator().manual_seed(0), {}
    for i in range(20):
        width_in, width_out = 1 if i == 0 else 64, 1 if i == 19 else 64
        scale = (2 / (9 * width_in)) ** 0.5 * (0.1 if i == 19 else 1.0)
        tensors[f"model.{2 * i}.weight"] = scale * torch.randn(width_out, width_in, 3, 3, generator=generator)
        tensors[f"model.{2 * i}.bias"] = torch.zeros(width_out)
    return tensors
