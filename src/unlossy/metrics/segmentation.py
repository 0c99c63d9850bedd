"""Semantic segmentation measured: what one picture adds to the counts, and the metrics of a set under weights.

    tally(truth, answer, labelled)     pixels by true and answered class, near the edges of segments and deep inside
    pack, unpack                       a tally as a text of some hundred bytes, which is all that is kept of a picture
    Counts.of(texts).metrics(draws)    mean IoU, pixel accuracy, boundary and interior IoU in every draw at once

The boundary IoU follows Cheng, Girshick, Dollar, Berg, Kirillov, "Boundary IoU", CVPR 2021, arXiv 2103.16562: the
intersection over union of what lies within 2 % of the picture's diagonal of the contour, of the truth and of the
answer. The interior IoU counts the pixels that lie deeper than that in their true segment.
"""

import base64
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64, UInt16

EDGE_SHARE: Final = 0.02
"""Of the picture's diagonal: how far from a contour its boundary reaches."""

ALL, DEEP, EDGE = 0, 1, 2
"""Parts of a picture: every labelled pixel, the insides of true segments, the boundaries (the paper's G_d and P_d)."""

SET_METRICS: Final = ("miou", "pixel_accuracy", "boundary_iou", "interior_iou")


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Counts of one picture.

    `pairs` has a row for each pair of classes that occurs: true id, answered id, pixels near the true segment's edge,
    pixels deep in it. `edges` has a row for each class with a boundary: id, pixels in both boundaries, in the true one,
    in the answered one.
    """

    pairs: Int64[np.ndarray, "p 4"]
    edges: Int64[np.ndarray, "c 4"]


def tally(
    truth: UInt16[np.ndarray, "h w"], answer: UInt16[np.ndarray, "h w"], labelled: Bool[np.ndarray, "h w"]
) -> Tally:
    """The counts over the `labelled` pixels; boundaries are those of the whole maps."""
    distance_px = edge_distance_px(truth.shape)
    deep_true, deep_answer = (deep(ids, distance_px)[labelled] for ids in (truth, answer))
    true_at, answer_at, ids = _numbered(truth[labelled], answer[labelled])
    k = len(ids)
    found = np.bincount((true_at * k + answer_at) * 2 + deep_true, minlength=2 * k * k).reshape(k * k, 2)
    rows = np.flatnonzero(found.any(axis=1))
    pairs = np.column_stack([ids[rows // k], ids[rows % k], found[rows]])
    edge_true, edge_answer = ~deep_true, ~deep_answer
    both = edge_true & edge_answer & (true_at == answer_at)
    marked = ((true_at, both), (true_at, edge_true), (answer_at, edge_answer))
    edges = np.column_stack([ids, *(np.bincount(at[mark], minlength=k) for at, mark in marked)])
    return Tally(pairs.astype(np.int64), edges[edges[:, 1:].any(axis=1)].astype(np.int64))


def edge_distance_px(size_hw: tuple[int, ...]) -> int:
    """How many pixels from a contour its boundary reaches, at least 1."""
    return max(1, round(EDGE_SHARE * math.hypot(*size_hw)))


def deep(class_ids: UInt16[np.ndarray, "h w"], distance_px: int) -> Bool[np.ndarray, "h w"]:
    """True where the square of `distance_px` around a pixel lies in the picture and is all of its class.

    That is each class eroded by a 3 x 3 square `distance_px` times, the outside of the picture being no class.
    """
    result = np.zeros(class_ids.shape, bool)
    side, (height, width) = 2 * distance_px, class_ids.shape
    if height <= side or width <= side:
        return result
    even_rows = _without(class_ids[:, 1:] != class_ids[:, :-1], side, axis=1)
    even_squares = _without(~even_rows, side + 1, axis=0)
    even_columns = _without(class_ids[1:] != class_ids[:-1], side, axis=0)[:, distance_px : width - distance_px]
    result[distance_px : height - distance_px, distance_px : width - distance_px] = even_squares & even_columns
    return result


def _without(marks: Bool[np.ndarray, "h w"], length: int, axis: int) -> Bool[np.ndarray, "h2 w2"]:
    """For each run of `length` places along an axis whether none of them is marked."""
    lead = [(1, 0) if along == axis else (0, 0) for along in (0, 1)]
    sums = np.pad(np.cumsum(marks, axis=axis, dtype=np.int32), lead)
    return sums[length:] == sums[:-length] if axis == 0 else sums[:, length:] == sums[:, :-length]


def _numbered(
    truth: UInt16[np.ndarray, " n"], answer: UInt16[np.ndarray, " n"]
) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"], Int64[np.ndarray, " k"]]:
    """Both as places in the list of the ids that occur, and that list."""
    top = 1 + max(int(ids.max(initial=0)) for ids in (truth, answer))
    ids = np.flatnonzero(np.bincount(truth, minlength=top) + np.bincount(answer, minlength=top))
    places = np.zeros(top, np.int64)
    places[ids] = np.arange(len(ids))
    return places[truth], places[answer], ids


def item_miou(counted: Tally) -> float | None:
    """The mean IoU over the classes that are in this picture's truth or answer; None without a labelled pixel."""
    n = counted.pairs[:, 2:].sum(axis=1)
    ids = np.unique(counted.pairs[:, :2])
    if not len(ids):
        return None
    true, answered = ((counted.pairs[:, [column]] == ids).T @ n for column in (0, 1))
    both = ((counted.pairs[:, [0]] == ids) & (counted.pairs[:, [1]] == ids)).T @ n
    return float((both / (true + answered - both)).mean())


def agreement(one: UInt16[np.ndarray, "h w"], other: UInt16[np.ndarray, "h w"]) -> float:
    """The mean IoU of two answers over the classes that either has, 0..1."""
    one_at, other_at, ids = _numbered(one.ravel(), other.ravel())
    same, first, second = (np.bincount(at, minlength=len(ids)) for at in (one_at[one_at == other_at], one_at, other_at))
    return float((same / (first + second - same)).mean())


def pack(counted: Tally) -> str:
    """The tally as a text: 32-bit numbers, deflated, in base64."""
    head = np.array([len(counted.pairs)])
    numbers = np.concatenate([head, counted.pairs.ravel(), counted.edges.ravel()]).astype("<u4")
    return base64.b64encode(zlib.compress(numbers.tobytes(), 9)).decode("ascii")


def unpack(text: str) -> Tally:
    """The tally that a text holds."""
    numbers = np.frombuffer(zlib.decompress(base64.b64decode(text)), "<u4").astype(np.int64)
    end = 1 + 4 * numbers[0]
    return Tally(numbers[1:end].reshape(-1, 4), numbers[end:].reshape(-1, 4))


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """The tallies of a set. `pixels`: by item, part (ALL, DEEP, EDGE), class: in both, in the truth, in the answer."""

    class_ids: Int64[np.ndarray, " k"]
    pixels: Float64[np.ndarray, "n 3 3 k"]

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Counts":
        """The counts of packed tallies, an item each."""
        tallies = [unpack(text) for text in texts]
        seen = [ids for one in tallies for ids in (one.pairs[:, :2].ravel(), one.edges[:, 0])]
        class_ids = np.unique(np.concatenate(seen)) if seen else np.empty(0, np.int64)
        pixels = np.zeros((len(tallies), 3, 3, len(class_ids)))
        for counts, one in zip(pixels, tallies, strict=True):
            _add(counts, one, class_ids)
        return cls(class_ids, pixels)

    def ious(self, weights: Float[np.ndarray, "d n"]) -> Float64[np.ndarray, "d 3 k"]:
        """The IoU of each class in each part, NaN for classes that are not in the truth there."""
        both, true, answered = np.moveaxis(self._weighed(weights), 2, 0)
        there = true > 0
        return np.divide(both, true + answered - both, out=np.full(both.shape, np.nan), where=there)

    def metrics(self, weights: Float[np.ndarray, "d n"]) -> dict[str, Float64[np.ndarray, " d"]]:
        """Each of SET_METRICS in each draw; means are over the classes that the draw's truth has; NaN without any."""
        ious = self.ious(weights)
        both, true, _ = np.moveaxis(self._weighed(weights)[:, ALL], 1, 0).sum(axis=2)
        accuracy = np.divide(both, true, out=np.full(both.shape, np.nan), where=true > 0)
        means = {"miou": ALL, "boundary_iou": EDGE, "interior_iou": DEEP}
        found = {metric: _mean(ious[:, part]) for metric, part in means.items()} | {"pixel_accuracy": accuracy}
        return {metric: found[metric] for metric in SET_METRICS}

    def _weighed(self, weights: Float[np.ndarray, "d n"]) -> Float64[np.ndarray, "d 3 3 k"]:
        flat = self.pixels.reshape(len(self.pixels), -1)
        return (weights @ flat).reshape(len(weights), *self.pixels.shape[1:])


def _add(counts: Float64[np.ndarray, "3 3 k"], one: Tally, class_ids: Int64[np.ndarray, " k"]) -> None:
    true_at, answer_at = (np.searchsorted(class_ids, one.pairs[:, column]) for column in (0, 1))
    right = true_at == answer_at
    for part, n in ((ALL, one.pairs[:, 2] + one.pairs[:, 3]), (DEEP, one.pairs[:, 3])):
        np.add.at(counts[part, 0], true_at[right], n[right])
        np.add.at(counts[part, 1], true_at, n)
        np.add.at(counts[part, 2], answer_at, n)
    counts[EDGE][:, np.searchsorted(class_ids, one.edges[:, 0])] = one.edges[:, 1:].T


def _mean(values: Float64[np.ndarray, "d k"]) -> Float64[np.ndarray, " d"]:
    """The mean of each row over what is no NaN; NaN where nothing is left."""
    known = ~np.isnan(values)
    n = known.sum(axis=1)
    return np.divide(np.where(known, values, 0.0).sum(axis=1), n, out=np.full(len(values), np.nan), where=n > 0)
