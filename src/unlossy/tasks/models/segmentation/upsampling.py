"""From what a network answers to the class of each source pixel: bilinear, then the largest.

Two conventions spread n values over N pixels: corners aligned, position i (n - 1) / (N - 1), as TensorFlow's DeepLab
does it; or centres, (i + 0.5) n / N - 0.5 with the borders repeated, as nearly everybody else does. Both are those of
torch's `interpolate(mode="bilinear")`, and are worked out here a band of rows at a time: no picture is so large that
all its class values would have to be held.
"""

from typing import Final

import numpy as np
from jaxtyping import Float32, Int64, UInt16

from unlossy.core.errors import ModelError

BAND_PX: Final = 2**17
"""Source pixels of a band: class values for so many fit a processor's cache."""


def class_numbers(
    answer: object, source_hw: tuple[int, int], n_classes: int | None, *, align_corners: bool
) -> UInt16[np.ndarray, "h w"]:
    """The number of the likeliest class at each source pixel; of equal ones the lowest.

    Args:
        answer: class values (k, h, w), or class numbers (h, w), which go to the nearest pixels.
        source_hw: size of the result.
        n_classes: k, None where it is not known.
        align_corners: which of the two conventions.

    Raises:
        ModelError: another shape, NaN or infinite values, numbers that are no class.
    """
    values = np.asarray(answer)
    if values.ndim == 3 and 0 not in values.shape and n_classes in (None, len(values)):
        logits = values.astype(np.float32, copy=False)
        if not np.isfinite(logits).all():
            raise ModelError(f"the model answered with {np.count_nonzero(~np.isfinite(logits))} NaN or infinite values")
        return upsampled_argmax(logits, source_hw, align_corners=align_corners)
    if values.ndim == 2 and 0 not in values.shape and np.issubdtype(values.dtype, np.integer):
        last = (n_classes or 2**16 - 1) - 1
        if values.min() < 0 or values.max() > last:
            raise ModelError(
                f"the model answered with class numbers {values.min()}..{values.max()}; 0..{last} is known"
            )
        rows, columns = (
            (np.arange(size) * 2 + 1) * n // (2 * size) for size, n in zip(source_hw, values.shape, strict=True)
        )
        return values[rows][:, columns].astype(np.uint16)
    wanted = f"({n_classes or 'classes'}, h, w), or class numbers (h, w)"
    raise ModelError(f"the model answered with shape {values.shape} of {values.dtype}; {wanted} were expected")


def upsampled_argmax(
    logits: Float32[np.ndarray, "k h w"], size_hw: tuple[int, int], *, align_corners: bool
) -> UInt16[np.ndarray, "h2 w2"]:
    """The argmax over classes of the bilinearly upsampled values."""
    height, width = size_hw
    low, high, share = _places(logits.shape[2], width, align_corners)
    wide = logits[:, :, low] * (1 - share) + logits[:, :, high] * share
    low, high, share = _places(logits.shape[1], height, align_corners)
    result = np.zeros(size_hw, np.uint16)
    step = max(1, BAND_PX // width)
    for start in range(0, height, step):
        band = slice(start, start + step)
        _argmax(wide, low[band], high[band], share[band, None], result[band])
    return result


def _argmax(
    wide: Float32[np.ndarray, "k h w2"],
    low: Int64[np.ndarray, " b"],
    high: Int64[np.ndarray, " b"],
    share: Float32[np.ndarray, "b 1"],
    result: UInt16[np.ndarray, "b w2"],
) -> None:
    """The classes of one band, into `result`, which holds zeros."""
    best = wide[0, low] * (1 - share) + wide[0, high] * share
    for number in range(1, len(wide)):
        value = wide[number, low] * (1 - share) + wide[number, high] * share
        np.copyto(result, np.uint16(number), where=value > best)
        np.maximum(best, value, out=best)


def _places(
    n: int, size: int, align_corners: bool
) -> tuple[Int64[np.ndarray, " s"], Int64[np.ndarray, " s"], Float32[np.ndarray, " s"]]:
    """For each of `size` pixels the two of n values it lies between, and how near it is to the second."""
    pixels = np.arange(size)
    if align_corners:
        position = pixels * (n - 1) / max(size - 1, 1)
    else:
        position = np.clip((pixels + 0.5) * n / size - 0.5, 0, n - 1)
    low = np.minimum(position.astype(np.int64), n - 1)
    return low, np.minimum(low + 1, n - 1), (position - low).astype(np.float32)
