"""The sizes we train, and the way from a weights file back to its network."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from unlossy.core.errors import UsageError
from unlossy.correctors.limits import ARCHITECTURE
from unlossy.correctors.nets.unet import UNet, UNetShape
from unlossy.correctors.nets.weights_file import load_weights, save_weights

SIZES: Final = {
    "base": UNetShape(widths=(48, 96, 160), blocks=(3, 2, 3)),
    "small": UNetShape(widths=(16, 48, 112), blocks=(2, 2, 3)),
}


def save_network(path: Path, network: UNet, facts: dict[str, str]) -> None:
    """Nothing; weights in half precision with what is needed to build their network, and `facts` of their training."""
    described = {"architecture": ARCHITECTURE, "shape": json.dumps(asdict(network.shape)), **facts}
    tensors: dict[str, Tensor] = {name: tensor.half() for name, tensor in network.state_dict().items()}
    save_weights(path, tensors, described)


def load_network(path: Path) -> UNet:
    """The network of a weights file, for inference. Raises UsageError where it is not one of ours."""
    tensors, metadata = load_weights(path)
    if metadata.get("architecture") != ARCHITECTURE:
        found = metadata.get("architecture", "none named")
        raise UsageError(f"{path}: weights of another architecture ({found}); this version reads {ARCHITECTURE}")
    try:
        stated = json.loads(metadata["shape"])
        shape = UNetShape(tuple(stated["widths"]), tuple(stated["blocks"]), int(stated["embedding"]))
        network = UNet(shape)
        network.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise UsageError(f"{path}: the weights do not fit the shape they state: {error}") from error
    return network.eval()


def multiply_adds_per_pixel(network: UNet) -> float:
    """Multiply-adds of all convolutions per pixel of the picture, counted on one of 64 x 64."""
    counted: list[int] = []

    def count(layer: nn.Module, _inputs: object, output: Tensor) -> None:
        assert isinstance(layer, nn.Conv2d)  # noqa: S101 (for the type checker)
        counted.append(output[0].numel() * layer.weight[0].numel())

    hooks = [layer.register_forward_hook(count) for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    with torch.inference_mode():
        network(torch.zeros(1, 3, 64, 64), torch.ones(1, 2, 8, 8), torch.ones(1), torch.ones(1, 2))
    for hook in hooks:
        hook.remove()
    return sum(counted) / 64**2
