"""The JSON beside a segmenter's ONNX or weight file; `MINIMAL` shows one, unknown fields are ignored.

The kind of the output is "class_logits" (b, k, h, w) of any size, or "class_map" (b, h, w) of class numbers.
"align_corners" (false) says how class values lie on the picture, see `upsampling`. The picture must go in whole:
"stretch", or "shortest_edge" without a crop.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unlossy.core.errors import UsageError
from unlossy.tasks.models.facts import choice_in, labels_in, object_in, preprocess_of, read_described
from unlossy.tasks.models.preprocess import Preprocess

MINIMAL = """{"task": "semantic_segmentation",
 "input": {"channels": "RGB", "scale": "0..1", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
           "size_hw": [512, 512], "resize": {"rule": "stretch", "filter": "bilinear"}},
 "outputs": [{"name": "logits", "kind": "class_logits"}], "labels": ["background", "person"]}"""


@dataclass(frozen=True, slots=True)
class SegmenterFacts:
    """What the JSON says; `input_name` and `output_name` are None where it leaves them to the model's own order."""

    preprocess: Preprocess
    layout: str
    input_name: str | None
    output_name: str | None
    output_kind: str
    align_corners: bool
    labels: tuple[str, ...] | None


def read_segmenter_facts(path: Path) -> SegmenterFacts:
    """The facts in a JSON file; raises UsageError naming the file, the field and what it may be."""
    return read_described(path, _facts, MINIMAL)


def _facts(document: Mapping[str, Any]) -> SegmenterFacts:
    choice_in(document, "task", ("semantic_segmentation",))
    image, outputs = object_in(document, "input"), document.get("outputs", [{}])
    if not isinstance(outputs, list) or len(outputs) != 1 or not isinstance(outputs[0], Mapping):
        raise UsageError('"outputs" must be a list of one {"name", "kind"}')
    preprocess, output = preprocess_of(image), outputs[0]
    if preprocess.rule == "letterbox" or (preprocess.rule == "shortest_edge" and preprocess.center_crop):
        raise UsageError('"resize" crops or pads the picture; give "stretch", or "shortest_edge" without "then"')
    align = output.get("align_corners", False)
    if not isinstance(align, bool):
        raise UsageError(f'"align_corners" is {align!r}; it must be true or false')
    return SegmenterFacts(
        preprocess=preprocess,
        layout=choice_in(image, "layout", ("NCHW", "NHWC"), "NCHW"),
        input_name=image.get("name"),
        output_name=output.get("name"),
        output_kind=choice_in(output, "kind", ("class_logits", "class_map")),
        align_corners=align,
        labels=labels_in(document),
    )
