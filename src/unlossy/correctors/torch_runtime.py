"""Our networks in torch: on a GPU where asked, and from weights that have no ONNX graph beside them."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from unlossy.core.torch_device import device_of
from unlossy.correctors.base import Condition
from unlossy.correctors.nets.sizes import load_network
from unlossy.correctors.nets.unet import STRIDE, UNet, UNetShape
from unlossy.correctors.nets.weights_file import load_weights


@dataclass(frozen=True, slots=True)
class TorchNetwork:
    """A Network (see `base`) around a UNet; arithmetic in float32."""

    net: UNet
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    stride_px: int = STRIDE
    guards: str = ""
    """What the file states of its guards, as JSON; see `guards.stated_guards`."""

    @classmethod
    def load(cls, path: Path, device: str = "cpu") -> "TorchNetwork":
        """The network of a weights file; raises UsageError where it is not one of ours, or there is no such device."""
        where = device_of(device)
        network = load_network(path).to(where)
        stated = load_weights(path)[1].get("guards", "")
        return cls(network.to(memory_format=torch.channels_last), where, guards=stated)  # type: ignore[call-overload]

    @property
    def reach_px(self) -> int:
        """The receptive field's radius."""
        return reach_px(self.net.shape)

    @property
    def bytes_per_pixel(self) -> int:
        """What a run holds at its peak."""
        return bytes_per_pixel(self.net.shape)

    def run(self, ycc: Float32[np.ndarray, "b 3 h w"], condition: Condition) -> Float32[np.ndarray, "b 3 h w"]:
        """The corrected Y, Cb, Cr of a batch, 0..1 with neutral chroma at 0.5, not clipped."""
        told = [torch.from_numpy(x).to(self.device) for x in (condition.tables, condition.known, condition.sampling)]
        planes = torch.from_numpy(ycc).to(self.device).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            return np.asarray(self.net(planes, *told).float().cpu().contiguous().numpy())


def reach_px(shape: UNetShape) -> int:
    """How many pixels away the furthest one lies that a pixel's answer depends on, a block's width included.

    Each 3 x 3 convolution looks one cell further, a cell being 2, 4 or 8 pixels; the two upper levels are passed twice.
    """
    fine, middle, coarse = shape.blocks
    head_and_tail = 2
    return 2 * (head_and_tail + 4 * fine) + 4 * 4 * middle + 8 * 2 * coarse + STRIDE


def bytes_per_pixel(shape: UNetShape) -> int:
    """What a run in float32 holds at its peak, measured: about eight tensors of the finest level, and the pictures."""
    fine_cell_px = 4
    return 8 * 4 * shape.widths[0] // fine_cell_px + 64
