"""The JSON beside an ONNX text recogniser, every field checked; `MINIMAL` shows one.

input.channels      "L" (grey), "RGB" or "BGR"; `mean` and `std` in that order, after `scale`
input.size_hw       [height, width]; a width of null leaves it free
input.resize.rule   "stretch": to that size. "height": to that height, the width follows; with a width given, pictures
                    are filled up to it on the right with the grey value `fill` (127), wider ones squeezed to it
outputs[0]          its kind, "logits" or "probabilities", and `axes`: "tbk" (steps, pictures, classes) or "btk"
alphabet            the characters in the order of the classes without the blank: a text, or a list of texts
decoder             {"name": "ctc", "blank": number of the blank's class}; -1 is the last
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from unlossy.core.errors import UsageError
from unlossy.tasks.models.facts import choice_in, numbers_in, object_in, read_described
from unlossy.tasks.models.outputs import OutputKind
from unlossy.tasks.models.preprocess import FILTERS
from unlossy.tasks.models.text.strip import Strip

MINIMAL = """{"task": "text",
 "input": {"channels": "L", "scale": "0..1", "mean": [0.5], "std": [0.5], "size_hw": [32, null],
           "resize": {"rule": "height", "filter": "bilinear"}},
 "outputs": [{"name": "logits", "kind": "logits", "axes": "tbk"}],
 "decoder": {"name": "ctc", "blank": 0}, "alphabet": "0123456789abcdefghijklmnopqrstuvwxyz"}"""


@dataclass(frozen=True, slots=True)
class TextFacts:
    """What the JSON says: `symbols` stand in the order of the classes, the blank among them as an empty text."""

    strip: Strip
    layout: str
    input_name: str | None
    output_name: str | None
    output_kind: OutputKind
    steps_first: bool
    symbols: tuple[str, ...]
    blank: int


def read_text_facts(path: Path) -> TextFacts:
    """The facts in a JSON file; raises UsageError naming the file, the field and what it may be."""
    return read_described(path, _facts, MINIMAL)


def _facts(document: Mapping[str, Any]) -> TextFacts:
    choice_in(document, "task", ("text",), "text")
    image, outputs = object_in(document, "input"), document.get("outputs")
    if not isinstance(outputs, list) or len(outputs) != 1 or not isinstance(outputs[0], Mapping):
        raise UsageError('"outputs" must be a list of one {"name", "kind", "axes"}')
    kind = choice_in(outputs[0], "kind", ("logits", "probabilities"))
    symbols, blank = _symbols(document)
    return TextFacts(
        strip=_strip(image),
        layout=choice_in(image, "layout", ("NCHW", "NHWC"), "NCHW"),
        input_name=image.get("name"),
        output_name=outputs[0].get("name"),
        output_kind="logits" if kind == "logits" else "probabilities",
        steps_first=choice_in(outputs[0], "axes", ("tbk", "btk")) == "tbk",
        symbols=symbols,
        blank=blank,
    )


def _symbols(document: Mapping[str, Any]) -> tuple[tuple[str, ...], int]:
    decoder, alphabet = object_in(document, "decoder"), document.get("alphabet")
    choice_in(decoder, "name", ("ctc",))
    if (
        not isinstance(alphabet, str | list)
        or not alphabet
        or not all(isinstance(one, str) and one for one in alphabet)
    ):
        raise UsageError('"alphabet" must be a text or a list of texts: the characters in the order of the classes')
    (given,) = numbers_in({"blank": [decoder.get("blank")]}, "blank", 1)
    blank = len(alphabet) if given == -1 else int(given)
    if not 0 <= blank <= len(alphabet) or blank != given % (len(alphabet) + 1):
        raise UsageError(f'"blank" is {given:g}; the {len(alphabet)} characters and the blank are 0..{len(alphabet)}')
    return (*alphabet[:blank], "", *alphabet[blank:]), blank


def _strip(image: Mapping[str, Any]) -> Strip:
    resize, channels = object_in(image, "resize"), choice_in(image, "channels", ("L", "RGB", "BGR"))
    rule: Literal["stretch", "height"] = (
        "stretch" if choice_in(resize, "rule", ("stretch", "height")) == "stretch" else "height"
    )
    size, count = image.get("size_hw"), 1 if channels == "L" else 3
    free = rule == "height" and isinstance(size, list) and size[1:] == [None]
    height, *width = numbers_in(
        {"size_hw": size[:1] if free and isinstance(size, list) else size}, "size_hw", 1 if free else 2, whole=True
    )
    return Strip(
        height=int(height),
        width=int(width[0]) if width else None,
        rule=rule,
        filter=choice_in(resize, "filter", tuple(FILTERS), "bilinear"),
        channels=channels,  # type: ignore[arg-type]  # choice_in checked it
        scale=choice_in(image, "scale", ("0..1", "0..255")),  # type: ignore[arg-type]
        mean=numbers_in(image, "mean", count, default=(0.0,) * count),
        std=numbers_in(image, "std", count, default=(1.0,) * count, above_zero=True),
        fill=int(numbers_in({"fill": [resize.get("fill", 127)]}, "fill", 1)[0]),
    )
