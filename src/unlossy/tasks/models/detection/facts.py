"""The JSON beside an ONNX detector: how to feed it, what each output is, which decoder makes boxes of them.

    {"task": "detection", "input": {...}, "outputs": [{"name", "kind", ...}, ...],
     "decoder": {"name", "score_threshold", "nms_iou", "max_detections", ...}, "labels", "category_ids"}

"input" is as for classifiers, but for a crop: a detector sees the whole picture.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unlossy.core.errors import UsageError
from unlossy.tasks.models.detection.base import MAX_PER_CLASS, MIN_SCORE
from unlossy.tasks.models.facts import choice_in, labels_in, numbers_in, object_in, preprocess_of, read_described
from unlossy.tasks.models.preprocess import Preprocess

MINIMAL = """{"task": "detection",
 "input": {"channels": "RGB", "scale": "0..1", "size_hw": [640, 640],
           "resize": {"rule": "letterbox", "filter": "bilinear"}},
 "outputs": [{"name": "boxes", "kind": "boxes"}, {"name": "scores", "kind": "scores"},
             {"name": "labels", "kind": "labels"}],
 "decoder": {"name": "detections"}, "labels": ["person", "bicycle"]}"""


@dataclass(frozen=True, slots=True)
class Output:
    """One output: its name, what it holds, and the stride in input pixels of the grid it stands on (None: no grid)."""

    name: str
    kind: str
    stride: int | None


@dataclass(frozen=True, slots=True)
class DetectorFacts:
    """What the JSON says; `settings` is its "decoder", read by the decoder itself. `nms_iou` None: no suppression.

    `per_class` is its "max_detections": of a class in a picture, as COCO's average precision counts them.
    """

    preprocess: Preprocess
    layout: str
    input_name: str | None
    outputs: tuple[Output, ...]
    decoder: str
    settings: Mapping[str, Any]
    min_score: float
    nms_iou: float | None
    per_class: int
    labels: tuple[str, ...] | None
    category_ids: tuple[int, ...] | None

    def places(self, kind: str) -> tuple[int, ...]:
        """Which of the outputs are of a kind, in order."""
        return tuple(place for place, output in enumerate(self.outputs) if output.kind == kind)


def read_detector_facts(path: Path, decoders: Mapping[str, object]) -> DetectorFacts:
    """The facts in a JSON file; raises UsageError naming the file, the field and what it may be."""
    return read_described(path, lambda document: _facts(document, tuple(decoders)), MINIMAL)


def _facts(document: Mapping[str, Any], decoders: tuple[str, ...]) -> DetectorFacts:
    choice_in(document, "task", ("detection", "instance_segmentation"))
    image, settings = object_in(document, "input"), object_in(document, "decoder")
    preprocess = preprocess_of(image)
    if preprocess.center_crop:
        raise UsageError('"center_crop" hides the borders from a detector; use "stretch" or "letterbox"')
    labels, ids = labels_in(document), category_ids_in(document)
    if labels is not None and ids is not None and len(labels) != len(ids):
        raise UsageError(f'"labels" are {len(labels)}, "category_ids" {len(ids)}; one of each is needed for each class')
    return DetectorFacts(
        preprocess=preprocess,
        layout=choice_in(image, "layout", ("NCHW", "NHWC"), "NCHW"),
        input_name=image.get("name"),
        outputs=_outputs(document),
        decoder=choice_in(settings, "name", decoders),
        settings=settings,
        min_score=share_in(settings, "score_threshold", MIN_SCORE) or 0.0,
        nms_iou=share_in(settings, "nms_iou", None),
        per_class=int(numbers_in({"n": [settings.get("max_detections", MAX_PER_CLASS)]}, "n", 1, whole=True)[0]),
        labels=labels,
        category_ids=ids,
    )


def share_in(settings: Mapping[str, Any], key: str, default: float | None) -> float | None:
    """The number in 0..1 under a key, `default` where it is not stated; raises UsageError."""
    if settings.get(key) is None:
        return default
    (value,) = numbers_in({key: [settings[key]]}, key, 1)
    if not 0 <= value <= 1:
        raise UsageError(f'"{key}" is {value:g}; it must lie in 0..1')
    return value


def category_ids_in(document: Mapping[str, Any]) -> tuple[int, ...] | None:
    """The ids of the classes in the order of the outputs, None where they are not stated; raises UsageError."""
    ids = document.get("category_ids")
    if ids is not None and not (isinstance(ids, list) and all(type(number) is int for number in ids)):
        raise UsageError('"category_ids" must be a list of whole numbers in the order of the outputs')
    if ids is not None and len(set(ids)) != len(ids):
        raise UsageError('"category_ids" has one id twice')
    return None if ids is None else tuple(ids)


def _outputs(document: Mapping[str, Any]) -> tuple[Output, ...]:
    outputs = document.get("outputs")
    if not isinstance(outputs, list) or not outputs or not all(isinstance(output, Mapping) for output in outputs):
        raise UsageError('"outputs" must be a list of {"name", "kind"}')
    return tuple(_output(output) for output in outputs)


def _output(output: Mapping[str, Any]) -> Output:
    name, kind = output.get("name"), output.get("kind")
    if not isinstance(name, str) or not isinstance(kind, str):
        raise UsageError('each of "outputs" must have a "name" and a "kind"')
    stride = output.get("stride")
    return Output(
        name, kind, None if stride is None else int(numbers_in({"stride": [stride]}, "stride", 1, whole=True)[0])
    )
