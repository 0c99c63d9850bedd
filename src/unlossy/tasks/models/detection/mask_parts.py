"""Masks of found objects: as run lengths, and the boxes around them."""

import numpy as np
from jaxtyping import Bool

from unlossy.metrics.masks import encode
from unlossy.tasks.detections import RunLengths


def run_lengths(mask_hw: Bool[np.ndarray, "h w"]) -> RunLengths:
    """A binary mask as run lengths; raises MissingDependency where faster-coco-eval is not installed."""
    return RunLengths((mask_hw.shape[0], mask_hw.shape[1]), encode(mask_hw)["counts"])


def tight_box(mask_hw: Bool[np.ndarray, "h w"]) -> tuple[float, float, float, float]:
    """The smallest box around a mask's pixels (x1, y1, x2, y2), zeros where it has none."""
    ys, xs = np.flatnonzero(mask_hw.any(axis=1)), np.flatnonzero(mask_hw.any(axis=0))
    if not len(ys):
        return 0.0, 0.0, 0.0, 0.0
    return float(xs[0]), float(ys[0]), float(xs[-1] + 1), float(ys[-1] + 1)
