"""The JSON beside an ONNX model or a weight file: a Preprocess, the outputs' kind and the labels, every field checked.

The format: {"task", "file", "input": {...}, "outputs": [{"name", "kind"}], "labels"}; `MINIMAL` shows one, unknown
fields are ignored. `mean` and `std` stand in the order of `channels` and apply after `scale`.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from unlossy.core.errors import UsageError
from unlossy.core.tools import json_of
from unlossy.tasks.models.outputs import OutputKind
from unlossy.tasks.models.preprocess import FILTERS, Preprocess

T = TypeVar("T")

MOST: Final = 1_000_000
"""Of whole numbers: sizes and counts of a network are far below."""

MINIMAL = """{"task": "classification",
 "input": {"channels": "RGB", "scale": "0..1", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
           "size_hw": [224, 224],
           "resize": {"rule": "shortest_edge", "edge": 256, "filter": "bilinear", "then": "center_crop"}},
 "outputs": [{"name": "logits", "kind": "logits"}]}"""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the JSON says: `input_name` and `output_name` are None where it leaves them to the model's own order."""

    preprocess: Preprocess
    layout: str
    input_name: str | None
    output_name: str | None
    output_kind: OutputKind
    labels: tuple[str, ...] | None


def read_facts(path: Path) -> ModelFacts:
    """The facts in a JSON file; raises UsageError naming the file, the field and what it may be."""
    return read_described(path, _facts, MINIMAL)


def read_described(path: Path, understand: Callable[[Mapping[str, Any]], T], minimal: str) -> T:
    """What `understand` makes of a JSON file's object; UsageErrors name the file and show the `minimal` one."""
    try:
        document = json_of(path.read_text("utf-8"))
        if not isinstance(document, Mapping):
            raise UsageError("an object {...} was expected")
        _refuse_non_finite(document, "")
        return understand(document)
    except (OSError, ValueError, RecursionError) as error:  # the latter of what looks into all that it holds
        raise UsageError(f"{path}: cannot be read as JSON: {error}") from error
    except UsageError as error:
        raise UsageError(f"{path}: {error}\nA minimal file:\n{minimal}") from None


def stated_file(path: Path) -> str | None:
    """The model file that a JSON says it belongs to; None where there is no such JSON or it says nothing."""
    try:
        document = json_of(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    file = document.get("file") if isinstance(document, dict) else None
    return file if isinstance(file, str) else None


def _refuse_non_finite(value: object, place: str) -> None:
    """Raises UsageError naming the first field that holds NaN, infinity, or a number too large for a float.

    Python's reader takes NaN and Infinity, which are no JSON, and makes infinity of 1e400.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _refuse_non_finite(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_non_finite(inner, f"{place}[{index}]")
    elif isinstance(value, int | float) and not -sys.float_info.max <= value <= sys.float_info.max:
        told = "too large a number" if isinstance(value, int) else json.dumps(value)
        raise UsageError(f'"{place}" is {told}; a finite number was expected')


def _facts(document: Mapping[str, Any]) -> ModelFacts:
    choice_in(document, "task", ("classification",), "classification")
    image, outputs = object_in(document, "input"), document.get("outputs", [{}])
    if not isinstance(outputs, list) or len(outputs) != 1 or not isinstance(outputs[0], Mapping):
        raise UsageError('"outputs" must be a list of one {"name", "kind"}')
    return ModelFacts(
        preprocess=preprocess_of(image),
        layout=choice_in(image, "layout", ("NCHW", "NHWC"), "NCHW"),
        input_name=image.get("name"),
        output_name=outputs[0].get("name"),
        output_kind="logits"
        if choice_in(outputs[0], "kind", ("logits", "probabilities")) == "logits"
        else "probabilities",
        labels=labels_in(document),
    )


def preprocess_of(image: Mapping[str, Any]) -> Preprocess:
    """The preprocessing that "input" describes; raises UsageError naming the field."""
    resize = object_in(image, "resize")
    rule = choice_in(resize, "rule", ("shortest_edge", "stretch", "letterbox"))
    crop = resize.get("then") is not None and choice_in(resize, "then", ("center_crop",)) == "center_crop"
    size = None if image.get("size_hw") is None else numbers_in(image, "size_hw", 2, whole=True)
    edge = None if resize.get("edge") is None else numbers_in({"edge": [resize["edge"]]}, "edge", 1, whole=True)[0]
    if rule == "shortest_edge" and (size is not None) != crop:
        raise UsageError(
            '"shortest_edge" leaves the long side free: give both "size_hw" and "then": "center_crop", or neither'
        )
    if size is None and (rule != "shortest_edge" or edge is None):
        raise UsageError('"size_hw" is missing: [height, width] of the network\'s input')
    return Preprocess(
        size_hw=None if size is None else (int(size[0]), int(size[1])),
        rule=rule,  # type: ignore[arg-type]  # choice_in checked it
        edge=None if edge is None else int(edge),
        center_crop=crop,
        filter=choice_in(resize, "filter", tuple(FILTERS), "bilinear"),
        channels=choice_in(image, "channels", ("RGB", "BGR")),  # type: ignore[arg-type]
        scale=choice_in(image, "scale", ("0..1", "0..255")),  # type: ignore[arg-type]
        mean=numbers_in(image, "mean", 3, default=(0.0, 0.0, 0.0)),  # type: ignore[arg-type]
        std=numbers_in(image, "std", 3, default=(1.0, 1.0, 1.0), above_zero=True),  # type: ignore[arg-type]
        fill=int(numbers_in({"fill": [resize.get("fill", 114)]}, "fill", 1)[0]),
    )


def labels_in(document: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The class names in the order of the outputs, None where they are not stated; raises UsageError."""
    labels = document.get("labels")
    if labels is not None and not (isinstance(labels, list) and all(isinstance(label, str) for label in labels)):
        raise UsageError('"labels" must be a list of names in the order of the outputs')
    return None if labels is None else tuple(labels)


def object_in(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under a key; raises UsageError where there is none."""
    value = document.get(key)
    if not isinstance(value, Mapping):
        raise UsageError(f'"{key}" is missing or not an object {{...}}')
    return value


def choice_in(document: Mapping[str, Any], key: str, allowed: tuple[str, ...], default: str | None = None) -> str:
    """The word under a key; raises UsageError listing those allowed."""
    value = document.get(key, default)
    if value not in allowed:
        raise UsageError(f'"{key}" is {json.dumps(value)}; it must be one of {", ".join(map(json.dumps, allowed))}')
    return str(value)


def numbers_in(
    document: Mapping[str, Any],
    key: str,
    count: int,
    default: tuple[float, ...] | None = None,
    whole: bool = False,
    above_zero: bool = False,
) -> tuple[float, ...]:
    """The `count` numbers under a key; raises UsageError where they are not that."""
    values = document.get(key, default)
    good = isinstance(values, list | tuple) and len(values) == count
    good = good and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if good and (whole or above_zero):
        good = all(v > 0 and (not whole or (v <= MOST and v == int(v))) for v in values)
    if not good:
        kind = f"positive whole numbers up to {MOST}" if whole else "numbers above 0" if above_zero else "numbers"
        raise UsageError(f'"{key}" is {json.dumps(values)}; {count} {kind} were expected')
    return tuple(float(v) for v in values)
