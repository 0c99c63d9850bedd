"""Pictures of one shape put to a torch network together, and answers with NaN told apart from the others.

Pictures of different shapes are never padded to a common one: padding changes what a network sees of the smaller ones,
so that a picture's answer would depend on its company.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from unlossy.core.errors import ModelError
from unlossy.core.tools import require
from unlossy.tasks.detections import Detections
from unlossy.tasks.models.detection.base import Sized
from unlossy.tasks.models.placed import placed

Answer = Callable[[Sequence[Sized]], list[Detections | ModelError]]


def of_one_shape(batch: Sequence[Sized]) -> list[list[int]]:
    """The places of the pictures of each prepared shape, in order."""
    places: dict[tuple[int, ...], list[int]] = {}
    for place, picture in enumerate(batch):
        places.setdefault(picture.pixels.shape, []).append(place)
    return list(places.values())


def torch_answer(
    network: Any,  # noqa: ANN401 (a torch module; torch is not imported to be named)
    run: Callable[[Any, list[tuple[int, int]]], Sequence[Detections | ModelError]],
    threads: int | None,
    device: str = "cpu",
) -> Answer:
    """A detector's `answer`: `run` gets a tensor (b, 3, h, w) where the network is and the sources' sizes.

    It is called without gradients, and what it gives is on the processor. `threads` and `device` are those of `placed`.
    """
    torch = require("torch", "hf", "a torch model")
    there = placed(network, threads, device)

    def answer(batch: Sequence[Sized]) -> list[Detections | ModelError]:
        found: dict[int, Detections | ModelError] = {}
        for places in of_one_shape(batch):
            images = there(np.stack([batch[place].pixels for place in places]))
            with torch.inference_mode():
                answers = run(images, [batch[place].source_hw for place in places])
            found |= dict(zip(places, answers, strict=True))
        return [found[place] for place in range(len(batch))]

    return answer


def on_processor(output: Any) -> Any:  # noqa: ANN401 (a mapping of tensors, as transformers answers)
    """The same object, the tensors that it names on the processor."""
    for name, value in list(output.items()):
        if hasattr(value, "cpu"):
            output[name] = value.cpu()
    return output


def n_not_finite(tensors: Sequence[Any], place: int) -> int:
    """How many values of one picture of a batch are NaN or infinite, over tensors with the batch first."""
    return sum(int((~tensor[place].isfinite()).sum()) for tensor in tensors)


def nan_error(n_values: int) -> ModelError:
    """The error of a picture whose raw answers hold values that are no numbers."""
    return ModelError(f"the model answered with {n_values} NaN or infinite values")
