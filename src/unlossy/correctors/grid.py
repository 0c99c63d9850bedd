"""Is a picture a decoded JPEG, and where does its 8 x 8 grid start? Judged by its pixels alone.

A step between two columns is counted where it exceeds the two steps on either side of it. In a decoded JPEG such
steps gather on block boundaries: every eighth column, in one phase. Columns of one phase are compared with those of
the phases far from it (Welch's t), the same is done for rows, and the two are joined (Stouffer). Being sure is not
enough: the excess itself has to be large, else a picture with faint traces would lose more by a correction than it
wins. Idea: blocking measured as in Yim and Bovik 2011, across all 64 offsets, with a rank in place of a square, so
that edges do not drown it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32, Float64, UInt8

BLOCK: Final = 8
MAX_LINES: Final = 1024
"""Rows (for the columns' phase) and columns (for the rows') looked at; evenly spread where there are more."""
ENOUGH: Final = 5.0
EACH: Final = 1.0
"""Evidence needed in both directions together, and in each."""
EXCESS: Final = 0.04
"""How much more often steps stand out on the grid than off it, in each direction.

LIVE1: lossless pictures reach 0.038 (two that show traces of an old JPEG; the others 0.01), JPEGs of quality 75 have
0.043 and more, half of those of quality 90.
"""
EARLIER_EACH: Final = 4.0
EARLIER_EXCESS: Final = 0.095
"""For a second grid: evidence, and how much more often steps stand out, in each direction. Single JPEGs reach 0.03 in
photographs and 0.09 in drawings, whose straight edges ring; Q10 and then Q50 elsewhere gives 0.085 to 0.125.
"""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where a hidden grid starts (0..7 down and across), and how sure: the joint t value."""

    top: int
    left: int
    evidence: float


@dataclass(frozen=True, slots=True)
class _Phase:
    """One direction: where the grid starts, its t value, and how much more often its steps stand out (0..1)."""

    start: int
    evidence: float
    excess: float


def hidden_grid(image_hwc: UInt8[np.ndarray, "h w c"]) -> Grid | None:
    """The grid of an earlier JPEG compression; None where the pixels show none."""
    down, across = _phases(image_hwc, excluded=None)
    if down is None or across is None or min(down.evidence, across.evidence) < EACH:
        return None
    evidence = (down.evidence + across.evidence) / 2**0.5
    if evidence < ENOUGH or min(down.excess, across.excess) < EXCESS:
        return None
    return Grid(down.start, across.start, evidence)


def earlier_grid(image_hwc: UInt8[np.ndarray, "h w c"]) -> Grid | None:
    """The grid of an earlier JPEG compression of a picture that was a JPEG with its grid at (0, 0), now corrected.

    Correction takes most steps inside blocks away, which would otherwise look like other grids.
    """
    down, across = _phases(image_hwc, excluded=0)
    if down is None or across is None or min(down.evidence, across.evidence) < EARLIER_EACH:
        return None
    if min(down.excess, across.excess) < EARLIER_EXCESS:
        return None
    return Grid(down.start, across.start, (down.evidence + across.evidence) / 2**0.5)


def _phases(image_hwc: UInt8[np.ndarray, "h w c"], excluded: int | None) -> tuple[_Phase | None, _Phase | None]:
    """Down and across; None where a side is too short to tell."""
    return _phase(_counts(image_hwc.transpose(1, 0, 2)), excluded), _phase(_counts(image_hwc), excluded)


def _counts(image_hwc: UInt8[np.ndarray, "h w c"]) -> Float64[np.ndarray, " n"]:
    """For each boundary between columns 2|3, 3|4, ...: how often its step exceeds the four around it, 0..1."""
    height, width = image_hwc.shape[:2]
    if width < 6 * BLOCK:
        return np.zeros(0)
    lines = np.linspace(0, height - 1, min(height, MAX_LINES)).astype(int)
    total = np.zeros(width - 5)
    for start in range(0, len(lines), 64):
        steps = np.abs(np.diff(_luma(image_hwc[lines[start : start + 64]]), axis=1))
        around = np.maximum.reduce([steps[:, :-4], steps[:, 1:-3], steps[:, 3:-1], steps[:, 4:]])
        total += (steps[:, 2:-2] > around).sum(axis=0)
    return total / len(lines)


def _phase(counts: Float64[np.ndarray, " n"], excluded: int | None) -> _Phase | None:
    """The phase whose boundaries stand out most."""
    if len(counts) < 5 * BLOCK:
        return None
    start = (np.arange(len(counts)) + 3) % BLOCK
    groups = [counts[start == phase] for phase in range(BLOCK)]
    means = np.array([group.mean() for group in groups])
    errors = np.array([group.var(ddof=1) / len(group) for group in groups])
    found = [_compared(means, errors, phase, excluded) for phase in range(BLOCK) if phase != excluded]
    return max(found, key=lambda phase: phase.evidence)


def _compared(
    means: Float64[np.ndarray, "8"], errors: Float64[np.ndarray, "8"], phase: int, excluded: int | None
) -> _Phase:
    """How far a phase stands out from those two or more columns away from it."""
    others = [other % BLOCK for other in range(phase + 2, phase + 7) if other % BLOCK != excluded]
    noise = errors[phase] + errors[others].mean() / len(others)
    excess = float(means[phase] - means[others].mean())
    return _Phase(phase, excess / float(np.sqrt(noise + 1e-12)), excess)


def _luma(rows_hwc: UInt8[np.ndarray, "h w c"]) -> Float32[np.ndarray, "h w"]:
    if rows_hwc.shape[2] == 1:
        return rows_hwc[:, :, 0].astype(np.float32)
    return rows_hwc.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
