"""The guards on a corrected batch, in torch and differentiable: what training must look through to aim at what runs.

The same as `correctors.projection` and `correctors.guards.strength` do in numpy after the network, picture by picture;
a test holds the two together. Pictures without tables pass as the network answered.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name)
from torch import Tensor

from unlossy.correctors.limits import DEBLURRING_STEPS, LEAST_STEP, LEAST_STRENGTH, ROUNDING, STRENGTH_PER_DOUBLING
from unlossy.correctors.nets.dct import dct_basis


def guarded(corrected: Tensor, ycc: Tensor, tables: Tensor, known: Tensor, sampling: Tensor) -> Tensor:
    """The network's answer as the corrector would give it, but for rounding: Y, Cb, Cr (b 3 h w, 0..1).

    The arguments are those of `UNet.forward` and its answer; h and w are multiples of 16.
    """
    held = torch.cat(
        [_within(corrected[:, :1], ycc[:, :1], tables[:, :1]), _chroma(corrected, ycc, tables, sampling)], 1
    )
    steps = tables[:, 0].mean(dim=(1, 2)).clamp(min=1.0)
    strength = (LEAST_STRENGTH + STRENGTH_PER_DOUBLING * steps.log2()).clamp(max=1.0)
    told = known[:, None, None, None]
    return told * (ycc + strength[:, None, None, None] * (held - ycc)) + (1.0 - told) * corrected


def _chroma(corrected: Tensor, ycc: Tensor, tables: Tensor, sampling: Tensor) -> Tensor:
    """Cb and Cr, each picture held by its own subsampling."""
    held = corrected[:, 1:].clone()
    for across, down in ((2, 2), (2, 1), (1, 2), (1, 1)):
        members = torch.nonzero((sampling[:, 0] == across) & (sampling[:, 1] == down)).flatten()
        if len(members):
            wanted = _held_means(corrected[members, 1:], ycc[members, 1:], tables[members, 1:], across, down)
            held = held.index_copy(0, members, wanted)
    return held


def _held_means(corrected: Tensor, decoded: Tensor, steps: Tensor, across: int, down: int) -> Tensor:
    wanted, given = (F.avg_pool2d(planes, (down, across)) for planes in (corrected, decoded))
    change = _within(wanted, _without_interpolation(given, across, down), steps) - wanted
    return corrected + _interpolated(_without_interpolation(change, across, down), across, down)


def _within(corrected: Tensor, decoded: Tensor, steps: Tensor) -> Tensor:
    """The planes (b c h w) with each coefficient within the interval of the decoded plane's; `steps` is b 1 8 8."""
    given, q = _coefficients(decoded), steps.clamp(min=float(LEAST_STEP)).reshape(-1, 1, 64, 1, 1)
    middles = torch.round(given / q) * q
    reach = (q / 2 - ROUNDING).clamp(min=0.0)
    low, high = torch.minimum(middles - reach, given), torch.maximum(middles + reach, given)
    return _planes(torch.minimum(torch.maximum(_coefficients(corrected), low), high))


def _basis(like: Tensor) -> Tensor:
    """The two-dimensional DCT as a matrix (64 64)."""
    return torch.kron(dct_basis(), dct_basis()).to(like)


def _coefficients(planes: Tensor) -> Tensor:
    """JPEG's DCT coefficients (b c 64 h/8 w/8) of planes in 0..1."""
    batch, channels, height, width = planes.shape
    blocks = F.pixel_unshuffle(planes.reshape(batch * channels, 1, height, width) * 255.0 - 128.0, 8)
    return torch.einsum("kp,bphw->bkhw", _basis(planes), blocks).reshape(batch, channels, 64, height // 8, width // 8)


def _planes(coefficients: Tensor) -> Tensor:
    """The planes in 0..1 (b c h w) of coefficients."""
    batch, channels, _, rows, columns = coefficients.shape
    blocks = torch.einsum("kp,bkhw->bphw", _basis(coefficients), coefficients.flatten(0, 1))
    return (F.pixel_shuffle(blocks, 8).reshape(batch, channels, rows * 8, columns * 8) + 128.0) / 255.0


def _without_interpolation(means: Tensor, across: int, down: int) -> Tensor:
    """The samples that a decoder interpolated, from the means of what it gave."""
    samples = means
    for _ in range(DEBLURRING_STEPS if across == 2 or down == 2 else 0):
        samples = samples + (means - _along(samples, across, down, _blurred))
    return samples


def _interpolated(samples: Tensor, across: int, down: int) -> Tensor:
    return _along(samples, across, down, _doubled)


def _along(planes: Tensor, across: int, down: int, step: Callable[[Tensor, int], Tensor]) -> Tensor:
    """The planes after a step along each axis that is subsampled."""
    for axis, factor in ((2, down), (3, across)):
        planes = step(planes, axis) if factor == 2 else planes
    return planes


def _blurred(planes: Tensor, axis: int) -> Tensor:
    before, after = _neighbours(planes, axis)
    return planes * 0.75 + (before + after) * 0.125


def _doubled(planes: Tensor, axis: int) -> Tensor:
    before, after = _neighbours(planes, axis)
    halves = torch.stack([planes * 0.75 + before * 0.25, planes * 0.75 + after * 0.25], dim=axis + 1)
    return halves.flatten(axis, axis + 1)


def _neighbours(planes: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """The planes shifted by one, forward and back; the edges are repeated."""
    length = planes.shape[axis]
    first, last = planes.narrow(axis, 0, 1), planes.narrow(axis, length - 1, 1)
    before = torch.cat([first, planes.narrow(axis, 0, length - 1)], axis)
    after = torch.cat([planes.narrow(axis, 1, length - 1), last], axis)
    return before, after
