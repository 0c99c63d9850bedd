"""`py:MODULE:CALLABLE`: any function from a list of pictures to a list of texts.

The callable takes a list of uint8 RGB arrays (h, w, 3), of the sizes the pictures have, and gives for each a string, or
a pair of a string and a confidence (0..1). Its attribute `digest` (a text that changes with the model) may say more;
without it, the module's source file stands for the model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt8

from unlossy.core.errors import ModelError
from unlossy.core.pixels import as_rgb
from unlossy.tasks.models.callables import find_callable
from unlossy.tasks.models.text.base import Reading


@dataclass(frozen=True, slots=True)
class CallableReader:
    """A Reader (see `base`) over a user's function, which does its own preprocessing."""

    spec: str
    digest: str
    libraries: tuple[str, ...]
    function: Callable[[list[np.ndarray]], Any]

    def resize(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w 3"]:
        """The picture as it is, in RGB."""
        return as_rgb(image_hwc)

    def normalise(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
        """The picture as it is."""
        return image_hwc

    def read(self, batch: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> list[Reading | ModelError]:
        """One reading per picture; raises ModelError where the function gives another number of answers."""
        answers = self.function(list(batch))
        if isinstance(answers, str) or not hasattr(answers, "__len__") or len(answers) != len(batch):
            raise ModelError(f"the model must give a list of {len(batch)} texts; it gave {_shown(answers)}")
        return [_reading(answer) for answer in answers]


def load(name: str, *, spec: str, threads: int | None) -> CallableReader:  # noqa: ARG001 (the callable sets its own)
    """The reader that a callable is; raises UsageError where it cannot be found."""
    found = find_callable(name, spec, example="read")
    return CallableReader(spec, found.digest, found.libraries, found.function)


def _reading(answer: object) -> Reading | ModelError:
    if isinstance(answer, str):
        return Reading(answer)
    match answer:
        case (str() as text, confidence) if isinstance(confidence, int | float | np.number) and 0 <= confidence <= 1:
            return Reading(text, float(confidence))
    return ModelError(f"the model must answer with a text, or a text and a confidence 0..1, not {_shown(answer)}")


def _shown(answer: object) -> str:
    """An answer in a message; of an unknown object the kind alone, for its own text may differ from run to run."""
    told = isinstance(answer, str | bytes | int | float | tuple | list | None)
    return f"{type(answer).__name__} {str(answer)[:100]!r}" if told else f"a {type(answer).__name__}"
