"""Peak signal-to-noise ratio of one picture, over all its samples."""

import math

import numpy as np
from jaxtyping import UInt8

PEAK = 255.0


def psnr_db(image_hwc: UInt8[np.ndarray, "h w c"], reference_hwc: UInt8[np.ndarray, "h w c"]) -> float:
    """10 log10(255^2 / MSE) in dB, the squared error averaged over pixels and channels; infinite for equal pictures.

    "RGB PSNR" of the literature on three channels; a table's figure is the mean of the pictures' own values.
    """
    return decibel(mean_squared_error(image_hwc, reference_hwc))


def mean_squared_error(image_hwc: UInt8[np.ndarray, "h w c"], reference_hwc: UInt8[np.ndarray, "h w c"]) -> float:
    """Mean of the squared differences, in squared grey levels."""
    difference = image_hwc.astype(np.int32) - reference_hwc
    return float(np.mean(difference * difference))


def decibel(squared_error: float) -> float:
    """A squared error (grey levels of 0..255, squared) as a ratio to the peak; infinite for 0."""
    return math.inf if squared_error == 0.0 else 10.0 * math.log10(PEAK * PEAK / squared_error)
