"""Headers as a classifier sees them: the distinct ones as vectors, and which of them each image has.

A header is zeros and ones, a column for each value of each fact. The vectors are turned onto their principal axes: a
classifier that knows only distances and angles does not see it, and no more columns are left than distinct headers.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Float64, Int16, Int32, Int64

from unlossy.audit.evidence import FEATURES, NO_QUALITY, Evidence

MAX_VALUES: Final = 32
"""Values of one fact that have a column of their own, the most frequent ones."""

QUALITY_STEPS: Final = 10
FEATURES_SEEN: Final = ("luma quality", "chroma quality", *FEATURES)


@dataclass(frozen=True, slots=True, eq=False)
class Headers:
    """`vectors` are the distinct headers on their principal axes, `of` each image's index into them."""

    vectors: Float64[np.ndarray, "u d"]
    of: Int64[np.ndarray, " n"]

    def shuffled(self, generator: np.random.Generator) -> "Headers":
        """The same headers dealt anew to the images."""
        return replace(self, of=generator.permutation(self.of))


def header_vectors(evidence: Evidence, rows: Int64[np.ndarray, " n"]) -> Headers:
    """The headers of these rows; a fact of which all say the same is left out.

    Grey images have no chroma, which is a matter of the picture: they are given the chroma that their encoder gives
    colour images with the same luma (libjpeg's: the same quality), so that colour alone tells nothing.
    """
    luma = evidence.luma[rows]
    chroma = np.where(evidence.chroma[rows] == NO_QUALITY, luma, evidence.chroma[rows])
    columns = [_binned(luma), _binned(chroma)]
    for fact in FEATURES:
        codes = evidence.features[fact].codes[rows]
        if fact in ("chroma table", "sampling"):
            codes = _filled(codes, evidence.features["luma table"].codes[rows])
        columns.append(_frequent(codes))
    distinct, of = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
    parts = [distinct[:, [i]] == np.unique(distinct[:, i]) for i in range(distinct.shape[1])]
    varied = [part for part in parts if part.shape[1] > 1]
    vectors = np.concatenate([np.zeros((len(distinct), 1)), *varied], axis=1)
    left, scales, _ = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    kept = scales > 1e-9 * max(1.0, float(scales.max()))
    return Headers(left[:, kept] * scales[kept], of.reshape(-1))


def _binned(quality: Int16[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """Tenths of the images by quality; 0 is for those without one."""
    known = quality[quality != NO_QUALITY]
    if not len(known):
        return np.zeros(len(quality), np.int64)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, QUALITY_STEPS + 1)[1:-1], method="inverted_cdf"))
    return np.where(quality == NO_QUALITY, 0, 1 + np.searchsorted(edges, quality, side="left"))


def _frequent(codes: Int32[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """The codes ranked by frequency from 2 on; 1 for rarer ones, 0 for none."""
    places = np.zeros(int(codes.max(initial=-1)) + 2, np.int64)
    frequency = np.bincount(codes + 1, minlength=len(places))[1:]
    ranked = np.argsort(-frequency, kind="stable")
    places[1:][ranked] = np.where(np.arange(len(ranked)) < MAX_VALUES, np.arange(len(ranked)) + 2, 1)
    return places[codes + 1]


def _filled(codes: Int32[np.ndarray, " n"], luma_tables: Int32[np.ndarray, " n"]) -> Int32[np.ndarray, " n"]:
    """The codes; JPEGs without one get the most frequent one of those with their luma table, or of all."""
    known = codes >= 0
    if not known.any():
        return codes
    filled = np.where((luma_tables >= 0) & ~known, np.bincount(codes[known]).argmax(), codes).astype(np.int32)
    for table in np.unique(luma_tables[~known & (luma_tables >= 0)]):
        same = known & (luma_tables == table)
        if same.any():
            filled[~known & (luma_tables == table)] = np.bincount(codes[same]).argmax()
    return filled
