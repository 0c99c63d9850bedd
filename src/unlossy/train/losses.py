"""What a fidelity network is trained to make small; each is zero for a perfect picture."""

import math
from typing import Final

import torch
from torch import Tensor

from unlossy.correctors.nets.colour import rgb_from_ycc

BLOCK_PX: Final = 8
BLOCKING_SHARE: Final = 0.03
"""Of the blocking effect, in `rgb_rms_b`: what a unit of it may cost in squared error (docs/decisions.md)."""


def rgb_l1(corrected_ycc: Tensor, clean_rgb: Tensor) -> Tensor:
    """The mean absolute error in RGB, in samples of 0..255, where PSNR is measured and chroma weighs what it shows.

    Both pictures are b 3 h w in 0..1.
    """
    return 255.0 * (rgb_from_ycc(corrected_ycc.float()) - clean_rgb).abs().mean()


def rgb_rms(corrected_ycc: Tensor, clean_rgb: Tensor) -> Tensor:
    """The mean over pictures of the root mean square error in RGB, in samples of 0..255 (both b 3 h w in 0..1).

    Nearer to a mean of PSNR than an absolute error: large errors count within a picture, no picture counts for more.
    """
    square = (rgb_from_ycc(corrected_ycc.float()) - clean_rgb).square().mean(dim=(1, 2, 3))
    # the root's slope is infinite at a perfect picture
    return 255.0 * (square + 1e-6).sqrt().mean()


def rgb_rms_b(corrected_ycc: Tensor, clean_rgb: Tensor, known: Tensor) -> Tensor:
    """`rgb_rms` with a little of PSNR-B's blocking effect in the squared error of pictures whose grid is `known` (b).

    Steps across the 8 x 8 grid that are larger than those within blocks, as `metrics.psnrb` tells (Yim and Bovik 2011).
    """
    corrected_rgb = rgb_from_ycc(corrected_ycc.float())
    square = (corrected_rgb - clean_rgb).square().mean(dim=(1, 2, 3))
    square = square + BLOCKING_SHARE * known * blocking_effect(corrected_rgb)
    return 255.0 * (square + 1e-6).sqrt().mean()


def blocking_effect(pictures: Tensor) -> Tensor:
    """The blocking effect factor of each picture (b), the mean over its channels; pictures b c h w, grid at (0, 0)."""
    height, width = pictures.shape[2:]
    across, down = pictures.diff(dim=3).square(), pictures.diff(dim=2).square()
    on = (across[:, :, :, BLOCK_PX - 1 :: BLOCK_PX], down[:, :, BLOCK_PX - 1 :: BLOCK_PX])
    on_sum, on_count = _sum_and_count(on)
    all_sum, all_count = _sum_and_count((across, down))
    excess = on_sum / on_count - (all_sum - on_sum) / (all_count - on_count)
    return excess.clamp(min=0).mean(dim=1) * math.log2(BLOCK_PX) / math.log2(min(height, width))


def _sum_and_count(parts: tuple[Tensor, Tensor]) -> tuple[Tensor, int]:
    """The sum over h and w of both parts (b c h w), per picture and channel (b c), and how many values that are."""
    first, second = parts
    return first.sum(dim=(2, 3)) + second.sum(dim=(2, 3)), first[0, 0].numel() + second[0, 0].numel()


def psnr_db(corrected_rgb: Tensor, clean_rgb: Tensor) -> Tensor:
    """PSNR of each picture (b), both b 3 h w in 0..1, after clipping and rounding to 8 bits; infinite where equal."""
    difference = torch.round(corrected_rgb.clamp(0, 1) * 255) - torch.round(clean_rgb * 255)
    mse = difference.double().square().mean(dim=(1, 2, 3))
    return 10.0 * torch.log10(255.0**2 / mse)
