"""What in a network is a feature map, and which is the last: what Grad-CAM and feature losses look at."""

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor, nn

from unlossy.core.errors import UsageError
from unlossy.tasks.models.differentiable import Differentiable

MAP: Final = 1
"""The dimension of the channels of a feature map (b c h w)."""
LOST: Final = 0.1
"""Of the places along a side, at most, by convolutions without padding (Inception: 35 of 299 / 8)."""


def default_layer(task: Differentiable, images: Tensor, *, tokens: bool = False) -> str:
    """The name of the last layer whose answer is a feature map (b c h w, more than one place).

    With `tokens`, of a classifier, those of transformers count, too: tokens (b n c) and maps with channels last.

    Raises:
        UsageError: there is none; name layers yourself.
    """
    found: list[str] = []

    def keep(name: str) -> Callable[[nn.Module, object, object], None]:
        def look(_module: nn.Module, _inputs: object, output: object) -> None:
            if not isinstance(output, Tensor) or output.ndim not in (3, 4):
                return
            dim = channel_dim(output.shape, images.shape[2:])
            if dim is not None and output[0].numel() > output.shape[dim] and (tokens or dim == MAP):
                found.append(name)

        return look

    handles = [module.register_forward_hook(keep(name)) for name, module in task.network.named_modules() if name]
    with torch.inference_mode():
        task.outputs(images)
    for handle in handles:
        handle.remove()
    if not found:
        raise UsageError(f"{task.spec}: no layer of it answers with a feature map; choose another loss or name layers")
    return found[-1]


def channel_dim(shape: Sequence[int], size_hw: Sequence[int]) -> int | None:
    """Which dimension of a layer's answer holds the channels; None where it is no map of a picture of that size.

    1 of maps (b c h w) and vectors (b c), the last of maps with channels last (b h w c) and of tokens (b n c). Of four
    dimensions two have to be the picture's over one whole stride, or nearly: those of attention are not.
    """
    if len(shape) == 2:
        return 1
    if len(shape) == 3:
        return 2
    if len(shape) != 4:
        return None
    return 1 if _strided(shape[2:], size_hw) else 3 if _strided(shape[1:3], size_hw) else None


def _strided(places_hw: Sequence[int], size_hw: Sequence[int]) -> bool:
    """Whether a grid of places is that of a picture, one place every so many pixels; borders may have been lost."""
    stride = max(1, size_hw[0] // places_hw[0])
    pairs = zip(size_hw, places_hw, strict=True)
    return all(-1.0 <= size / stride - places <= max(1.0, LOST * places) for size, places in pairs)
