"""Semantic segmentation: a class for each pixel. How answers are judged; the models are in `segmenter`.

A mask's ids are first read as the classes that the model has (see Vocabulary); pixels that no one labelled, or of
which the model cannot know, count for nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt16

from unlossy.core.blobs import BytesBlob
from unlossy.core.errors import LabelError, ModelError
from unlossy.core.types import LabelMapTarget, Target, TargetKind
from unlossy.datasets.label_maps import name_of, read_class_ids
from unlossy.metrics.segmentation import SET_METRICS, Counts, agreement, item_miou, pack, tally
from unlossy.tasks.base import Score
from unlossy.tasks.class_maps import NO_CLASS, ClassMap, Vocabulary, png_of
from unlossy.tasks.means import means_of


@dataclass(frozen=True, slots=True, eq=False)
class _Truth:
    """A mask in the answers' ids, NO_CLASS where nothing counts."""

    class_ids: UInt16[np.ndarray, "h w"]
    labelled: Bool[np.ndarray, "h w"]


class SemanticSegmentationYardstick:
    """Mean IoU, pixel accuracy, IoU at boundaries and inside, each picture's own mean IoU, and agreement; 0..1."""

    task: str = "semantic_segmentation"
    targets: TargetKind = "label_map"
    metrics: tuple[str, ...] = (*SET_METRICS, "item_miou", "agreement")
    set_metrics: tuple[str, ...] = SET_METRICS
    main_metric: str = "miou"
    item_metric: str = "item_miou"
    lower_is_better: frozenset[str] = frozenset()
    spoken: Mapping[str, str] = MappingProxyType(
        {
            "miou": "mean IoU",
            "pixel_accuracy": "pixel accuracy",
            "boundary_iou": "boundary IoU",
            "interior_iou": "interior IoU",
            "item_miou": "picture IoU",
            "agreement": "agreement",
        }
    )

    def __init__(self) -> None:
        self._last: tuple[LabelMapTarget, Vocabulary, _Truth] | None = None  # an item's cells share their mask

    def as_target(self, prediction: ClassMap) -> LabelMapTarget:
        """The answered map as if it were the mask."""
        data = png_of(prediction.class_ids)
        return LabelMapTarget(BytesBlob(data), hashlib.sha256(data).hexdigest())

    def score(self, prediction: ClassMap, target: Target | None) -> Score:
        """The picture's own mean IoU, and its counts as evidence; None without a mask.

        Raises:
            LabelError: no label map, a mask that cannot be read or is of another size than the picture, an id that
                is not among the names, or no labelled pixel at all.
        """
        if target is None:
            return Score({"item_miou": None, "agreement": None})
        if not isinstance(target, LabelMapTarget):
            raise LabelError("a map of classes was expected as the label")
        truth = self._truth(target, prediction.vocabulary)
        if truth.class_ids.shape != prediction.size_hw:
            (height, width), (mask_height, mask_width) = prediction.size_hw, truth.class_ids.shape
            sizes = f"{mask_width}x{mask_height} pixels, its picture {width}x{height}"
            raise LabelError(f"{name_of(target.blob)} has {sizes}")
        counted = tally(truth.class_ids, prediction.class_ids, truth.labelled)
        return Score({"item_miou": item_miou(counted), "agreement": None}, pack(counted))

    def _truth(self, target: LabelMapTarget, vocabulary: Vocabulary) -> _Truth:
        last = self._last
        if last is None or last[0] is not target or last[1] is not vocabulary:
            last = self._last = target, vocabulary, _truth_of(target, vocabulary)
        return last[2]

    def agreement(self, prediction: ClassMap, clean: ClassMap) -> float:
        """The mean IoU of the two maps over the classes that either has; raises ModelError where sizes differ."""
        if prediction.size_hw != clean.size_hw:
            raise ModelError(f"the answer is of {prediction.size_hw} pixels, the clean one of {clean.size_hw}")
        return agreement(prediction.class_ids, clean.class_ids)

    def as_json(self, prediction: ClassMap) -> dict[str, Any]:
        """The size, and a small PNG of the ids."""
        return prediction.to_json()

    def target_as_json(self, target: Target) -> dict[str, Any]:
        """The mask's digest and the ids that count for nothing: the mask itself stays where it is."""
        if not isinstance(target, LabelMapTarget):
            return {}
        return {"digest": target.digest, "ignored": sorted(target.ignored)}

    def summarise(
        self, scores: Sequence[Score], weights: Float[np.ndarray, " n"] | None = None
    ) -> dict[str, float | None]:
        """The set's metrics of the weighted counts, and the weighted means of the others; None where undefined."""
        counts = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=np.float64)
        drawn = self.resample(scores, counts[None])
        of_set = {name: float(values[0]) for name, values in drawn.items() if not np.isnan(values[0])}
        found = means_of(scores, ("item_miou", "agreement"), weights) | of_set
        return {metric: found.get(metric) for metric in self.metrics}

    def resample(self, scores: Sequence[Score], draws: Float[np.ndarray, "d n"]) -> dict[str, Float[np.ndarray, " d"]]:
        """Each of `set_metrics` in each draw; nothing where no item has a mask."""
        places = [place for place, score in enumerate(scores) if score.evidence is not None]
        if not places:
            return {}
        counts = _counts(tuple(score.evidence for score in scores if score.evidence is not None))
        return dict(counts.metrics(draws[:, places]))


@lru_cache(maxsize=4)
def _counts(evidence: tuple[str, ...]) -> Counts:
    """The counts of packed tallies; a cell's draws come in many blocks, all over the same items."""
    return Counts.of(evidence)


def _truth_of(target: LabelMapTarget, vocabulary: Vocabulary) -> _Truth:
    ids = read_class_ids(target.blob)
    occurring = np.flatnonzero(np.bincount(ids.ravel()))
    table = np.full(int(ids.max(initial=0)) + 1, NO_CLASS, np.uint16)
    for number in map(int, occurring):
        if number in target.ignored:
            continue
        if vocabulary.read_as is not None and number not in vocabulary.read_as:
            pixels = int(np.count_nonzero(ids == number))
            raise LabelError(
                f"{name_of(target.blob)} has the unknown id {number} ({pixels} pixels); name it in mask_ids.json,"
                ' "unlabeled" where it is no class'
            )
        table[number] = number if vocabulary.read_as is None else vocabulary.read_as[number]
    truth = table[ids]
    labelled = truth != NO_CLASS
    if not labelled.any():
        raise LabelError(f"{name_of(target.blob)} labels no pixel with a class that the model can know")
    return _Truth(truth, labelled)
