"""PSNR on pictures that training never sees, as JPEG and corrected, at a few qualities."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from unlossy.correctors.nets.colour import rgb_from_ycc, ycc_from_rgb
from unlossy.train.degrade import through_jpeg
from unlossy.train.losses import psnr_db
from unlossy.train.quality_shares import VALIDATED
from unlossy.train.tables import libjpeg_tables

EVERY: Final = 20
SIDE_PX: Final = 256


def held_out(images: Mapping[str, np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The pictures to train on and those to validate on: every twentieth in the order of their names."""
    names = sorted(images)
    validating = names[EVERY // 2 :: EVERY]
    training = [name for name in names if name not in set(validating)]
    return [images[name] for name in training], [images[name] for name in validating]


class Validation:
    """The central crops of some pictures as 4:2:0 JPEGs, made once."""

    def __init__(self, images: Sequence[np.ndarray], device: torch.device) -> None:
        self.device = device
        self.clean = [central(image) for image in images]
        self.jpegs = {q: [through_jpeg(image, libjpeg_tables(q), "4:2:0") for image in self.clean] for q in VALIDATED}

    def psnr_db(self, network: nn.Module) -> dict[str, float]:
        """Mean PSNR of the JPEGs and of the corrected pictures per quality, empty without pictures.

        Pictures that either leaves without error (a blank page) have none that a mean could hold, and are left out.
        """
        found: dict[str, float] = {}
        for quality, pairs in self.jpegs.items():
            before, after = [], []
            for clean, (jpeg, tables) in zip(self.clean, pairs, strict=True):
                reference = as_rgb(clean, self.device)
                before.append(psnr_db(as_rgb(jpeg, self.device), reference))
                after.append(psnr_db(corrected(network, jpeg, tables, self.device), reference))
            pairs_db = [(float(b), float(a)) for b, a in zip(before, after, strict=True)]
            finite = [pair for pair in pairs_db if all(map(math.isfinite, pair))]
            if finite:
                found[f"jpeg_q{quality}_db"] = fmean(jpeg for jpeg, _ in finite)
                found[f"q{quality}_db"] = fmean(ours for _, ours in finite)
        return found


@torch.inference_mode()
def corrected(network: nn.Module, jpeg_hwc: np.ndarray, tables: np.ndarray, device: torch.device) -> Tensor:
    """A 4:2:0 JPEG (uint8, sides multiples of 8) after the network, in full precision: RGB (1 3 h w), not clipped."""
    told = torch.from_numpy(tables).float()[None].to(device)
    known, sampling = torch.ones(1, device=device), torch.full((1, 2), 2.0, device=device)
    return rgb_from_ycc(network(ycc_from_rgb(as_rgb(jpeg_hwc, device)), told, known, sampling))


def as_rgb(image_hwc: np.ndarray, device: torch.device) -> Tensor:
    """The picture as a batch of one: RGB (1 3 h w) in 0..1."""
    planes = torch.from_numpy(np.ascontiguousarray(image_hwc.transpose(2, 0, 1)))
    return planes[None].to(device).float() / 255.0


def central(image_hwc: np.ndarray) -> np.ndarray:
    """The central square of at most 256 px, its side a multiple of 16."""
    side = min(SIDE_PX, *(length // 16 * 16 for length in image_hwc.shape[:2]))
    top, left = ((length - side) // 2 for length in image_hwc.shape[:2])
    return np.ascontiguousarray(image_hwc[top : top + side, left : left + side])
