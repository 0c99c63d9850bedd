"""From an ONNX detector's raw outputs for one picture to boxes in pixels of its input; adding a decoder is one line.

A decoder is made once of the facts (and refuses outputs that are not what it wants), then called for each picture with
the arrays in the order of the facts' outputs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

from unlossy.core.errors import ModelError, UsageError
from unlossy.tasks.models.detection.facts import DetectorFacts, Output
from unlossy.tasks.models.facts import choice_in, numbers_in


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """Candidates of one picture, in pixels of the network's input, in no order; class ids are the outputs' numbers."""

    boxes_xyxy: Float32[np.ndarray, "n 4"]
    scores: Float32[np.ndarray, " n"]
    class_ids: Int64[np.ndarray, " n"]


Decoder = Callable[[Sequence[np.ndarray]], Raw]


def nanodet(facts: DetectorFacts) -> Decoder:
    """NanoDet's heads: per stride class probabilities (cells, k), for each side a distribution over bins 0..reg_max.

    Cells are row-major with their centre at `x * stride + (stride - 1) / 2`; the expected bin times the stride is the
    distance from it to the side (Generalized Focal Loss, arXiv 2006.04388).
    """
    if facts.preprocess.size_hw is None:
        raise UsageError('the decoder "nanodet" needs "size_hw"')
    n_bins = int(numbers_in({"reg_max": [facts.settings.get("reg_max", 7)]}, "reg_max", 1, whole=True)[0]) + 1
    heads = [
        (place, *_grid(facts.outputs[place], facts.preprocess.size_hw), _same_stride(facts, place))
        for place in facts.places("class_scores")
    ]
    if not heads:
        raise UsageError('the decoder "nanodet" needs outputs of the kinds "class_scores" and "box_distribution"')
    bins, names = np.arange(n_bins, dtype=np.float32), facts.labels or facts.category_ids
    n_classes = None if names is None else len(names)

    def decode(outputs: Sequence[np.ndarray]) -> Raw:
        found = []
        for scores_at, stride, centres, sides_at in heads:
            cells = len(centres)
            scores = rows(outputs[scores_at], cells, n_classes)
            sides = rows(outputs[sides_at], cells, 4 * n_bins)
            cell, class_id = _at_least(scores, facts.min_score)
            logits = sides[cell].reshape(-1, 4, n_bins).astype(np.float32)
            weights = np.exp(logits - logits.max(axis=2, keepdims=True))
            away = (weights @ bins) / weights.sum(axis=2) * stride
            corners = np.hstack([centres[cell] - away[:, :2], centres[cell] + away[:, 2:]])
            found.append(Raw(corners, scores[cell, class_id].astype(np.float32), class_id.astype(np.int64)))
        return _joined(found)

    return decode


def given(facts: DetectorFacts) -> Decoder:
    """Boxes (n, 4), scores (n) and labels (n) as torchvision and most exports with their own decoding give them.

    "box_format" is "xyxy" (default), "xywh" or "cxcywh"; "box_units" is "pixels" of the input (default) or "relative".
    """
    boxes_at, scores_at, labels_at = (_only(facts, kind) for kind in ("boxes", "scores", "labels"))
    form = choice_in(facts.settings, "box_format", ("xyxy", "xywh", "cxcywh"), "xyxy")
    relative = choice_in(facts.settings, "box_units", ("pixels", "relative"), "pixels") == "relative"
    if relative and facts.preprocess.size_hw is None:
        raise UsageError('"box_units": "relative" needs "size_hw"')
    height, width = facts.preprocess.size_hw or (1, 1)
    scale = np.array([width, height] * 2 if relative else [1] * 4, np.float32)

    def decode(outputs: Sequence[np.ndarray]) -> Raw:
        scores = np.asarray(outputs[scores_at], np.float32).reshape(-1)
        boxes = corners_of(rows(outputs[boxes_at], len(scores), 4).astype(np.float32), form)
        labels = np.asarray(outputs[labels_at]).reshape(-1)
        if len(labels) != len(scores):
            raise ModelError(f"the model gave {len(scores)} scores and {len(labels)} labels")
        return Raw(boxes * scale, scores, labels.astype(np.int64))

    return decode


def yolo(facts: DetectorFacts) -> Decoder:
    """One output (4 + k, n): centre, width, height in pixels of the input, then k class probabilities."""
    place = _only(facts, "predictions")
    names = facts.labels or facts.category_ids
    if names is None:
        raise UsageError('the decoder "yolo" needs "labels" or "category_ids": how many classes are there?')
    width = 4 + len(names)

    def decode(outputs: Sequence[np.ndarray]) -> Raw:
        values = np.asarray(outputs[place], np.float32)
        values = values[0] if values.ndim == 3 else values
        values = values.T if values.ndim == 2 and values.shape[0] == width else values
        if values.ndim != 2 or values.shape[1] != width:
            raise ModelError(f"the model answered with shape {outputs[place].shape}; ({width}, n) was expected")
        cell, class_id = _at_least(values[:, 4:], facts.min_score)
        return Raw(corners_of(values[cell, :4], "cxcywh"), values[cell, 4 + class_id], class_id.astype(np.int64))

    return decode


DECODERS: dict[str, Callable[[DetectorFacts], Decoder]] = {"nanodet": nanodet, "detections": given, "yolo": yolo}

KINDS: dict[str, tuple[str, ...]] = {
    "nanodet": ("class_scores", "box_distribution"),
    "detections": ("boxes", "scores", "labels"),
    "yolo": ("predictions",),
}
"""The kinds of outputs that each decoder reads."""


def corners_of(boxes: Float32[np.ndarray, "n 4"], form: str) -> Float32[np.ndarray, "n 4"]:
    """Boxes given as "xyxy", "xywh" (from the corner) or "cxcywh" (from the centre) as corners."""
    if form == "xyxy":
        return boxes
    first, size = boxes[:, :2], boxes[:, 2:]
    low = first - size / 2 if form == "cxcywh" else first
    return np.hstack([low, low + size])


def rows(output: np.ndarray, n: int, width: int | None) -> np.ndarray:
    """An output as (n, width), a leading axis of the batch dropped; raises ModelError where it is none."""
    fits = output.size % max(n, 1) == 0 and output.ndim >= 2 and output.shape[-2] == n
    if not fits or output.size != n * output.shape[-1] or (width is not None and output.shape[-1] != width):
        wanted = f"({n}, {'classes' if width is None else width})"
        raise ModelError(f"the model answered with shape {output.shape}; {wanted} was expected")
    return output.reshape(n, output.shape[-1])


def _at_least(scores: np.ndarray, least: float) -> tuple[Int64[np.ndarray, " m"], Int64[np.ndarray, " m"]]:
    """Rows and columns of the scores that are no lower; np.nonzero of two axes takes twenty times as long."""
    row, column = np.divmod(np.flatnonzero(scores >= least), scores.shape[1])
    return row, column


def _grid(output: Output, size_hw: tuple[int, int]) -> tuple[int, Float32[np.ndarray, "cells 2"]]:
    if output.stride is None:
        raise UsageError(f'the output {output.name!r} has no "stride"')
    stride = output.stride
    ys, xs = (np.arange(-(-side // stride), dtype=np.float32) * stride + (stride - 1) / 2 for side in size_hw)
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    return stride, grid.astype(np.float32)


def _same_stride(facts: DetectorFacts, place: int) -> int:
    stride = facts.outputs[place].stride
    found = [other for other in facts.places("box_distribution") if facts.outputs[other].stride == stride]
    if len(found) != 1:
        raise UsageError(f'{len(found)} outputs of the kind "box_distribution" have the stride {stride}; one is needed')
    return found[0]


def _only(facts: DetectorFacts, kind: str) -> int:
    places = facts.places(kind)
    if len(places) != 1:
        raise UsageError(f'the decoder "{facts.decoder}" needs one output of the kind "{kind}", not {len(places)}')
    return places[0]


def _joined(parts: Sequence[Raw]) -> Raw:
    return Raw(
        np.concatenate([part.boxes_xyxy for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.class_ids for part in parts]),
    )
