import numpy as np
import torch
from PIL import Image

from unlossy.correctors.nets.colour import rgb_from_ycc, ycc_from_rgb


def batch_of(image_hwc):
    return torch.from_numpy(image_hwc.transpose(2, 0, 1).copy())[None].float() / 255


def test_it_is_pillows_conversion_without_its_rounding():
    rgb = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    pillow = np.asarray(Image.fromarray(rgb).convert("YCbCr")).astype(float)
    found = ycc_from_rgb(batch_of(rgb))[0].permute(1, 2, 0).numpy() * 255
    # JFIF's neutral chroma is 128 of 255, ours is 0.5
    found[:, :, 1:] += 0.5
    assert np.abs(found - pillow).max() <= 1.01


def test_there_and_back_is_the_identity_and_grey_has_no_colour():
    rgb = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert (rgb_from_ycc(ycc_from_rgb(rgb)) - rgb).abs().max() < 1e-5
    grey = rgb[:, :1].expand(-1, 3, -1, -1)
    ycc = ycc_from_rgb(grey)
    assert (ycc[:, 1:] - 0.5).abs().max() < 1e-6
    assert (ycc[:, 0] - grey[:, 0]).abs().max() < 1e-6
