"""A frozen torch network as a function from prepared images to logits."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Float32

from unlossy.core.tools import require
from unlossy.tasks.models.outputs import in_batches_of_one_shape


def torch_answer(
    network: Any,  # noqa: ANN401 (a torch module; torch is not imported to be named)
    pick: Callable[[Any], Any],
    threads: int | None,
) -> Callable[[Sequence[Float32[np.ndarray, "3 _ _"]]], Float32[np.ndarray, "b k"]]:
    """A function that gives float32 logits (b, k) of float32 images; `pick` takes them out of what the network returns.

    `threads` sets torch's intra-op threads, which are one number for the whole process.
    """
    torch = require("torch", "hf", "a torch model")
    network.eval().requires_grad_(False)
    if threads is not None:
        torch.set_num_threads(threads)

    def run(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            answer = pick(network(torch.from_numpy(images)))
            return np.asarray(answer.float().numpy())

    return lambda batch: in_batches_of_one_shape(batch, run)


def torch_trainable(network: Any, pick: Callable[[Any], Any]) -> Callable[[], Any]:  # noqa: ANN401 (a torch module)
    """A function that gives the network as a `differentiable.Trainable`; torch is imported when it is called."""
    return lambda: import_module("unlossy.tasks.models.differentiable").Trainable(network, pick)
