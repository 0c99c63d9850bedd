"""The corrected picture held within what the file says of the original: a projection onto its quantization intervals.

A quantized coefficient k of step q tells that the original's lay within (k - 1/2) q and (k + 1/2) q. Clamping the
network's answer into these intervals is a projection onto a convex set that holds the original, so it never takes the
answer further from it. The intervals are narrowed by what rounding to 8 bits may move a coefficient, so that
compressing the result again with the same tables gives the same coefficients.

Luma's coefficients are those of the decoded picture. Chroma that was subsampled is known by the means of its 1 x 2 or
2 x 2 pixels: decoders interpolate ("fancy upsampling"), which is undone first; what the means have to change by is
interpolated in the same way.
"""

from typing import Final

import numpy as np
from jaxtyping import Float32

from unlossy.core.errors import ModelError
from unlossy.core.types import CompressionHints
from unlossy.correctors.limits import DEBLURRING_STEPS, LEAST_STEP, ROUNDING


def _basis() -> Float32[np.ndarray, "8 8"]:
    """The orthonormal DCT-II of length 8; row k is frequency k."""
    k = np.arange(8)
    basis = 0.5 * np.cos((2 * k[None, :] + 1) * k[:, None] * np.pi / 16)
    basis[0] /= np.sqrt(2)
    return np.asarray(basis, dtype=np.float32)


_BASIS: Final = _basis()


def coefficients(plane: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "bh bw 8 8"]:
    """The DCT coefficients (JPEG's scale) of the blocks of a plane in 0..1; sides are multiples of 8."""
    height, width = plane.shape
    blocks = (plane * np.float32(255.0) - np.float32(128.0)).reshape(height // 8, 8, width // 8, 8)
    return np.asarray(_BASIS @ blocks.transpose(0, 2, 1, 3) @ _BASIS.T)


def plane_of(blocks: Float32[np.ndarray, "bh bw 8 8"]) -> Float32[np.ndarray, "h w"]:
    """The plane in 0..1 of its coefficients."""
    rows, columns = blocks.shape[:2]
    pixels = (_BASIS.T @ blocks @ _BASIS).transpose(0, 2, 1, 3).reshape(rows * 8, columns * 8)
    return np.asarray((pixels + np.float32(128.0)) / np.float32(255.0))


def projected(
    corrected: Float32[np.ndarray, "3 h w"], decoded: Float32[np.ndarray, "3 h w"], hints: CompressionHints
) -> Float32[np.ndarray, "3 h w"]:
    """The corrected Y, Cb, Cr (0..1, grid at the top left, sides multiples of 8) within the decoded one's intervals.

    Raises ModelError where a value is not finite.
    """
    luma = within(corrected[0], decoded[0], hints.table_luma.astype(np.float32))
    if hints.table_chroma is None:
        held = np.stack([luma, decoded[1], decoded[2]])
    else:
        steps = hints.table_chroma.astype(np.float32)
        held = np.stack([luma, *(_chroma(corrected[i], decoded[i], steps, hints.sampling_hv) for i in (1, 2))])
    if not np.isfinite(held).all():
        raise ModelError("the correction within the file's quantization steps holds NaN or infinity")
    return held


def within(
    corrected: Float32[np.ndarray, "h w"], decoded: Float32[np.ndarray, "h w"], steps: Float32[np.ndarray, "8 8"]
) -> Float32[np.ndarray, "h w"]:
    """The corrected plane with each coefficient within the interval of the decoded plane's, which lies in it too.

    A step of 0 is taken for 1, the finest: decoders give 0 for its coefficient, and it stays within rounding of that.
    """
    given, steps = coefficients(decoded), np.maximum(steps, np.float32(LEAST_STEP))
    middles = np.rint(given / steps) * steps
    reach = np.maximum(steps / 2 - np.float32(ROUNDING), 0)
    moved = np.clip(coefficients(corrected), np.minimum(middles - reach, given), np.maximum(middles + reach, given))
    return plane_of(np.asarray(moved, dtype=np.float32))


def _chroma(
    corrected: Float32[np.ndarray, "h w"],
    decoded: Float32[np.ndarray, "h w"],
    steps: Float32[np.ndarray, "8 8"],
    sampling_hv: tuple[int, int],
) -> Float32[np.ndarray, "h w"]:
    """A chroma plane whose means over h x v pixels have coefficients within their intervals."""
    across, down = sampling_hv
    height, width = corrected.shape
    fill = ((0, -height % (8 * down)), (0, -width % (8 * across)))
    wanted, given = (_means(np.pad(plane, fill, mode="edge"), across, down) for plane in (corrected, decoded))
    change = within(wanted, _without_interpolation(given, across, down), steps) - wanted
    spread = _interpolated(_without_interpolation(change, across, down), across, down)
    return np.asarray(corrected + spread[:height, :width])


def _means(plane: Float32[np.ndarray, "h w"], across: int, down: int) -> Float32[np.ndarray, "h2 w2"]:
    height, width = plane.shape
    return np.asarray(plane.reshape(height // down, down, width // across, across).mean(axis=(1, 3)))


def _without_interpolation(means: Float32[np.ndarray, "h w"], across: int, down: int) -> Float32[np.ndarray, "h w"]:
    """The samples that a decoder interpolated, from the means of what it gave.

    libjpeg weighs a sample's two neighbours 3 : 1 at each half step, so a mean is 1/8, 6/8, 1/8 of three samples.
    """
    samples = means
    for _ in range(DEBLURRING_STEPS):
        blurred = samples
        for axis in [0] * (down == 2) + [1] * (across == 2):
            blurred = _blurred(blurred, axis)
        samples = samples + (means - blurred)
    return samples


def _interpolated(samples: Float32[np.ndarray, "h w"], across: int, down: int) -> Float32[np.ndarray, "h2 w2"]:
    """The samples at full size, as libjpeg interpolates where the factor is 2; repeated at other factors."""
    for axis, factor in ((0, down), (1, across)):
        if factor == 2:
            before, after = _neighbours(samples, axis)
            near = samples * np.float32(0.75)
            halves = np.stack([near + before * np.float32(0.25), near + after * np.float32(0.25)], axis=axis + 1)
            samples = halves.reshape(*(2 * n if i == axis else n for i, n in enumerate(samples.shape)))
        else:
            samples = np.repeat(samples, factor, axis=axis)
    return np.asarray(samples)


def _blurred(plane: Float32[np.ndarray, "h w"], axis: int) -> Float32[np.ndarray, "h w"]:
    before, after = _neighbours(plane, axis)
    return np.asarray(plane * np.float32(0.75) + (before + after) * np.float32(0.125))


def _neighbours(
    plane: Float32[np.ndarray, "h w"], axis: int
) -> tuple[Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    """The planes shifted by one, forward and back; the edges are repeated."""
    padded = np.pad(plane, [(1, 1) if i == axis else (0, 0) for i in (0, 1)], mode="edge")
    return np.delete(padded, [-1, -2], axis), np.delete(padded, [0, 1], axis)
