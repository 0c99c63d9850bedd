"""RGB of 0..255 to Y, Cb, Cr of 0..1 and back, as JFIF defines them (ITU-T T.871, section 7), in numpy.

The same arithmetic as `nets.colour`, for runtimes without torch.
"""

from typing import Final

import numpy as np
from jaxtyping import Float32, UInt8

_TO_YCC: Final = (
    np.array(
        [
            [0.299, 0.587, 0.114],
            [-0.299 / 1.772, -0.587 / 1.772, 0.5],
            [0.5, -0.587 / 1.402, -0.114 / 1.402],
        ]
    )
    / 255.0
).astype(np.float32)
_TO_RGB: Final = (
    np.array(
        [
            [1.0, 0.0, 1.402],
            [1.0, -0.114 * 1.772 / 0.587, -0.299 * 1.402 / 0.587],
            [1.0, 1.772, 0.0],
        ]
    )
    * 255.0
).astype(np.float32)


def ycc_of(image_hwc: UInt8[np.ndarray, "h w c"]) -> Float32[np.ndarray, "3 h w"]:
    """Y, Cb, Cr of an RGB picture, or of a grey one (neutral chroma, 0.5)."""
    height, width, channels = image_hwc.shape
    if channels == 1:
        planes = np.full((3, height, width), 0.5, np.float32)
        planes[0] = image_hwc[:, :, 0] / np.float32(255.0)
        return planes
    planes = _TO_YCC @ image_hwc.reshape(-1, 3).T.astype(np.float32)
    planes[1:] += np.float32(0.5)
    return planes.reshape(3, height, width)


def image_of(ycc: Float32[np.ndarray, "3 h w"], channels: int) -> UInt8[np.ndarray, "h w c"]:
    """The picture, rounded and clipped; with one channel it is Y alone."""
    height, width = ycc.shape[1:]
    if channels == 1:
        levels = ycc[0].reshape(-1, 1) * np.float32(255.0)
    else:
        planes = ycc.reshape(3, -1).copy()
        planes[1:] -= np.float32(0.5)
        levels = (_TO_RGB @ planes).T
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8).reshape(height, width, channels)


def is_grey(image_hwc: UInt8[np.ndarray, "h w c"]) -> bool:
    """Whether the picture has no colour, however many channels it has; row by row, since most show it at once."""
    return image_hwc.shape[2] == 1 or all((row == row[:, :1]).all() for row in image_hwc)
