"""A cross-validated ridge classifier over distinct header vectors, fast enough to be fitted a thousand times.

All folds are one stack of matrices (f folds, u distinct vectors, c classes): a fit is so small that Python's own time
would be most of it.
"""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64

from unlossy.audit.headers import Headers

PENALTY: Final = 1.0
"""Added to the diagonal: an observation's worth of doubt for each column."""


def cross_validated_auc(
    headers: Headers, targets: Int64[np.ndarray, " n"], folds: Int64[np.ndarray, " n"], n_folds: int
) -> float:
    """Area under the ROC curve, one class against the rest, averaged over classes and folds; ties count half.

    `targets` are classes 0..c-1, `folds` 0..n_folds-1; each class must be in each fold.
    """
    n_vectors, n_classes = len(headers.vectors), int(targets.max()) + 1
    cells = (folds * n_vectors + headers.of) * n_classes + targets
    counts = np.bincount(cells, minlength=n_folds * n_vectors * n_classes).astype(np.float64)
    held = counts.reshape(n_folds, n_vectors, n_classes)
    return float(_auc(_scores(headers.vectors, held.sum(axis=0) - held), held).mean())


def _scores(vectors: Float64[np.ndarray, "u d"], counts: Float64[np.ndarray, "f u c"]) -> Float64[np.ndarray, "f u c"]:
    """Each class's score for each vector: least squares on the classes as 0 and 1, the intercept not penalised."""
    weights = counts.sum(axis=2)
    n_rows = weights.sum(axis=1)[:, None]
    centred = vectors - (weights @ vectors / n_rows)[:, None, :]
    expected = weights[:, :, None] * (counts.sum(axis=1) / n_rows)[:, None, :]
    turned = centred.transpose(0, 2, 1)
    gram = (turned * weights[:, None, :]) @ centred + PENALTY * np.eye(vectors.shape[1])
    # rounding, so that vectors which differ in nothing the fit has seen are ties
    return (centred @ np.linalg.solve(gram, turned @ (counts - expected))).round(9)


def _auc(scores: Float64[np.ndarray, "f u c"], counts: Float64[np.ndarray, "f u c"]) -> Float64[np.ndarray, "f c"]:
    """The area for each class: the share of pairs (one of the class, one of the rest) in the right order."""
    order = scores.argsort(axis=1, kind="stable")
    ranked = np.take_along_axis(scores, order, axis=1)
    own = np.take_along_axis(counts, order, axis=1)
    rest = np.take_along_axis(counts.sum(axis=2), order.reshape(len(counts), -1), axis=1).reshape(own.shape) - own
    return (own * _below(rest, ranked)).sum(axis=1) / (own.sum(axis=1) * rest.sum(axis=1))


def _below(rest: Float64[np.ndarray, "f u c"], ranked: Float64[np.ndarray, "f u c"]) -> Float64[np.ndarray, "f u c"]:
    """For each sorted score how many of the rest lie below it, those that tie with it counted half."""
    upto = rest.cumsum(axis=1)
    ties: Bool[np.ndarray, "f v c"] = ranked[:, 1:] == ranked[:, :-1]
    if not ties.any():
        return upto - rest / 2
    edge = np.ones_like(ranked[:, :1], dtype=np.bool_)
    rows = np.arange(ranked.shape[1])[None, :, None]
    first = np.maximum.accumulate(np.where(np.concatenate([edge, ~ties], axis=1), rows, 0), axis=1)
    ends = np.where(np.concatenate([~ties, edge], axis=1), rows, ranked.shape[1])
    last = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    before = np.take_along_axis(upto - rest, first, axis=1)
    return before + (np.take_along_axis(upto, last, axis=1) - before) / 2
