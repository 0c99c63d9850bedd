"""Structural similarity in its two habits, which must never share a column.

    gaussian 11    an 11 x 11 Gaussian of deviation 1.5, population covariance: the paper's, FBCNN's, SwinIR's
    uniform 8      an 8 x 8 box: QGAC's and JDEC's

Source: Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity",
IEEE Transactions on Image Processing 13(4), 2004, with its K1 = 0.01, K2 = 0.03; only windows wholly inside the picture
count, and channels are averaged.
"""

from typing import Final

import numpy as np
from jaxtyping import Float64, UInt8

C1: Final = (0.01 * 255.0) ** 2
C2: Final = (0.03 * 255.0) ** 2


def _gaussian(size: int, deviation: float) -> Float64[np.ndarray, " k"]:
    offsets = np.arange(size) - (size - 1) / 2
    weights = np.exp(-(offsets**2) / (2 * deviation**2))
    return np.asarray(weights / weights.sum())


GAUSSIAN_11: Final = _gaussian(11, 1.5)
UNIFORM_8: Final = np.full(8, 1 / 8)


def ssim_gaussian_11(image_hwc: UInt8[np.ndarray, "h w c"], reference_hwc: UInt8[np.ndarray, "h w c"]) -> float | None:
    """SSIM under the 11 x 11 Gaussian window, at most 1; None where a side is under 11 pixels."""
    return _ssim(image_hwc, reference_hwc, GAUSSIAN_11)


def ssim_uniform_8(image_hwc: UInt8[np.ndarray, "h w c"], reference_hwc: UInt8[np.ndarray, "h w c"]) -> float | None:
    """SSIM under the 8 x 8 uniform window, at most 1; None where a side is under 8 pixels."""
    return _ssim(image_hwc, reference_hwc, UNIFORM_8)


def _ssim(
    image_hwc: UInt8[np.ndarray, "h w c"],
    reference_hwc: UInt8[np.ndarray, "h w c"],
    window: Float64[np.ndarray, " k"],
) -> float | None:
    if min(image_hwc.shape[:2]) < len(window):
        return None
    channels = range(image_hwc.shape[2])
    maps = [_of_plane(image_hwc[:, :, c].astype(float), reference_hwc[:, :, c].astype(float), window) for c in channels]
    return float(np.mean(maps))


def _of_plane(x: Float64[np.ndarray, "h w"], y: Float64[np.ndarray, "h w"], window: Float64[np.ndarray, " k"]) -> float:
    mean_x, mean_y = _filtered(x, window), _filtered(y, window)
    variance_x = _filtered(x * x, window) - mean_x**2
    variance_y = _filtered(y * y, window) - mean_y**2
    covariance = _filtered(x * y, window) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    structure = (2 * covariance + C2) / (variance_x + variance_y + C2)
    return float(np.mean(luminance * structure))


def _filtered(plane: Float64[np.ndarray, "h w"], window: Float64[np.ndarray, " k"]) -> Float64[np.ndarray, "h2 w2"]:
    """The plane under the separable window, where the window lies inside it."""
    height, width = plane.shape[0] - len(window) + 1, plane.shape[1] - len(window) + 1
    rows = sum((weight * plane[i : i + height] for i, weight in enumerate(window)), np.zeros((height, plane.shape[1])))
    return sum((weight * rows[:, i : i + width] for i, weight in enumerate(window)), np.zeros((height, width)))
