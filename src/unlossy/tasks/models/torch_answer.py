"""A frozen torch network as a function from prepared images to logits."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Float32

from unlossy.core.tools import require
from unlossy.tasks.models.outputs import in_batches_of_one_shape
from unlossy.tasks.models.placed import placed


def torch_answer(
    network: Any,  # noqa: ANN401 (a torch module; torch is not imported to be named)
    pick: Callable[[Any], Any],
    threads: int | None,
    device: str = "cpu",
) -> Callable[[Sequence[Float32[np.ndarray, "3 _ _"]]], Float32[np.ndarray, "b k"]]:
    """A function that gives float32 logits (b, k) of float32 images; `pick` takes them out of what the network returns.

    `threads` and `device` are those of `placed`.
    """
    torch = require("torch", "hf", "a torch model")
    there = placed(network, threads, device)

    def run(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            answer = pick(network(there(images)))
            return np.asarray(answer.float().cpu().numpy())

    return lambda batch: in_batches_of_one_shape(batch, run)


def torch_trainable(network: Any, pick: Callable[[Any], Any]) -> Callable[[], Any]:  # noqa: ANN401 (a torch module)
    """A function that gives the network as a `differentiable.Trainable`; torch is imported when it is called."""
    return lambda: import_module("unlossy.tasks.models.differentiable").Trainable(network, pick)
