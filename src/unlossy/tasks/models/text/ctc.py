"""Greedy CTC decoding (Graves et al. 2006): the likeliest class of each step, repeats merged, blanks dropped."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from unlossy.core.errors import ModelError
from unlossy.tasks.models.outputs import OutputKind
from unlossy.tasks.models.text.base import Reading


def greedy(
    steps: Float32[np.ndarray, "t k"], symbols: Sequence[str], blank: int, kind: OutputKind
) -> Reading | ModelError:
    """The reading of one picture's steps; a ModelError where they hold NaN or infinity.

    The confidence is the mean probability of the characters kept, each at its first step; None where there are none.
    """
    if not np.isfinite(steps).all():
        return ModelError(f"the model answered with {np.count_nonzero(~np.isfinite(steps))} NaN or infinite values")
    best = steps.argmax(axis=1)
    first = np.ones(len(best), dtype=bool)
    first[1:] = best[1:] != best[:-1]
    kept = np.flatnonzero(first & (best != blank))
    if not len(kept):
        return Reading("")
    confidence = float(np.clip(_probabilities(steps[kept], kind).max(axis=1).mean(), 0, 1))
    return Reading("".join(symbols[number] for number in best[kept]), confidence)


def _probabilities(steps: Float32[np.ndarray, "t k"], kind: OutputKind) -> Float32[np.ndarray, "t k"]:
    if kind == "probabilities":
        return steps
    weights = np.exp(steps - steps.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
