"""Where in a network the last feature map is: what Grad-CAM and feature losses look at unless told otherwise."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from unlossy.core.errors import UsageError
from unlossy.tasks.models.differentiable import Differentiable


def default_layer(task: Differentiable, images: Tensor) -> str:
    """The name of the last layer whose answer is a feature map (b c h w, more than one place).

    Raises:
        UsageError: there is none; name layers yourself.
    """
    found: list[str] = []

    def keep(name: str) -> Callable[[nn.Module, object, object], None]:
        def look(_module: nn.Module, _inputs: object, output: object) -> None:
            if isinstance(output, Tensor) and output.ndim == 4 and output.shape[2] * output.shape[3] > 1:
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
