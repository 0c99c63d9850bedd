"""A frozen torch network as a function from prepared pictures to class values, and as what gradients go through."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Float32

from unlossy.core.tools import require
from unlossy.tasks.models.placed import placed


def torch_values(
    network: Any,  # noqa: ANN401 (a torch module; torch is not imported to be named)
    pick: Callable[[Any], Any],
    threads: int | None,
    device: str = "cpu",
) -> Callable[[Sequence[Float32[np.ndarray, "3 _ _"]]], Float32[np.ndarray, "b k h w"]]:
    """A function from float32 pictures of one size to class values; `pick` takes them out of the network's answer.

    `threads` and `device` are those of `placed`.
    """
    torch = require("torch", "hf", "a torch model")
    there = placed(network, threads, device)

    def answer(pictures: Sequence[Float32[np.ndarray, "3 _ _"]]) -> Float32[np.ndarray, "b k h w"]:
        with torch.inference_mode():
            values = pick(network(there(np.stack(pictures))))
            return np.asarray(values.float().cpu().numpy())

    return answer


def torch_trainable(network: Any, pick: Callable[[Any], Any]) -> Callable[[], Any]:  # noqa: ANN401 (a torch module)
    """A function that gives the network as a `differentiable.Trainable` with one head, class values (b k h w)."""

    def trainable() -> Any:  # noqa: ANN401
        heads = {"logits": import_module("unlossy.tasks.models.heads").Head("logits", 1)}
        made = import_module("unlossy.tasks.models.differentiable").Trainable
        return made(network, lambda answer: {"logits": pick(answer)}, heads)

    return trainable
