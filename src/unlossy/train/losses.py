"""What a fidelity network is trained to make small; each is zero for a perfect picture."""

import torch
from torch import Tensor

from unlossy.correctors.nets.colour import rgb_from_ycc


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


def psnr_db(corrected_rgb: Tensor, clean_rgb: Tensor) -> Tensor:
    """PSNR of each picture (b), both b 3 h w in 0..1, after clipping and rounding to 8 bits; infinite where equal."""
    difference = torch.round(corrected_rgb.clamp(0, 1) * 255) - torch.round(clean_rgb * 255)
    mse = difference.double().square().mean(dim=(1, 2, 3))
    return 10.0 * torch.log10(255.0**2 / mse)
