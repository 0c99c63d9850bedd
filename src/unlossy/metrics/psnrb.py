"""PSNR-B: PSNR with a penalty for steps across the 8 x 8 grid that are larger than those within blocks.

Source: Yim and Bovik, "Quality Assessment of Deblocked Images", IEEE Transactions on Image Processing 20(1), 2011:
MSE-B = MSE + BEF with BEF = eta (D_B - D_BC) where D_B > D_BC, else 0; D_B is the mean squared difference of neighbours
on two sides of a block boundary, D_BC that of all other neighbours, eta = log2(8) / log2(min(height, width)). The grid
starts at the top left corner. The blocking is that of the picture judged; the reference enters through the MSE alone.
"""

import math
from typing import Final

import numpy as np
from jaxtyping import Int32, UInt8

from unlossy.metrics.psnr import decibel, mean_squared_error

BLOCK: Final = 8


def psnrb_db(image_hwc: UInt8[np.ndarray, "h w c"], reference_hwc: UInt8[np.ndarray, "h w c"]) -> float:
    """PSNR-B in dB, at most the PSNR; MSE and blocking are averaged over the channels; infinite for equal flat ones.

    The paper knows grey pictures only. For colour others take the mean of the channels' own PSNR-B, some hundredths
    more.
    """
    blocking = [blocking_effect(image_hwc[:, :, channel]) for channel in range(image_hwc.shape[2])]
    return decibel(mean_squared_error(image_hwc, reference_hwc) + float(np.mean(blocking)))


def blocking_effect(plane: UInt8[np.ndarray, "h w"]) -> float:
    """The blocking effect factor BEF, 0 or more, in squared grey levels; 0 where no side holds two blocks."""
    wide = plane.astype(np.int32)
    across, down = _sums(wide), _sums(wide.T)
    on_sum, on_count = across[0] + down[0], across[1] + down[1]
    off_sum, off_count = across[2] + down[2], across[3] + down[3]
    if not on_count or not off_count or min(plane.shape) < 2:
        return 0.0
    excess = on_sum / on_count - off_sum / off_count
    return max(0.0, excess) * math.log2(BLOCK) / math.log2(min(plane.shape))


def _sums(plane: Int32[np.ndarray, "h w"]) -> tuple[float, int, float, int]:
    """Sum and count of the squared horizontal steps across block boundaries, then of all others."""
    steps = np.diff(plane, axis=1) ** 2
    across = steps[:, BLOCK - 1 :: BLOCK]
    return float(across.sum()), across.size, float(steps.sum() - across.sum()), steps.size - across.size
