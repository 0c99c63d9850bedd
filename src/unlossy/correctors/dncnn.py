"""`dncnn3@FILE`: DnCNN-3 as published, on luma, for comparison. Blind to the tables, and not guarded.

Twenty 3 x 3 convolutions of 64 channels with ReLU between them give the noise, which is subtracted. Source: Zhang,
Zuo, Chen, Meng, Zhang, "Beyond a Gaussian Denoiser", IEEE Transactions on Image Processing 26(7), 2017. Weights as
KAIR writes them: `model.0.weight` ... `model.38.bias`, batch normalisation folded.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import Float32

from unlossy.core.errors import UsageError
from unlossy.core.tools import digest_of, require
from unlossy.correctors.base import Condition, Corrector
from unlossy.correctors.guards import Unguarded
from unlossy.correctors.guided import GuidedCorrector
from unlossy.correctors.onnx_runtime import file_digest

if TYPE_CHECKING:
    from torch import Tensor, nn

    from unlossy.correctors.registry import Choices

DEPTH: Final = 20
WIDTH: Final = 64


def open_from(name: str, file: str, choices: "Choices") -> Corrector:
    """The corrector with the weights in `file`; raises UsageError where they or the device are absent or unfit."""
    if not file:
        raise UsageError(f"{name}: whose weights? They do not ship; give them as {name}@FILE")
    if choices.runtime == "onnx":
        raise UsageError(f"{name} runs in torch alone")
    torch = require("torch", "train", f"the corrector {name}")
    if choices.threads:
        torch.set_num_threads(choices.threads)
    path = Path(file).expanduser()
    device = import_module("unlossy.core.torch_device").device_of(choices.device)
    network = DncnnNetwork(_network(path).to(device), choices.device)
    digest = digest_of({"network": name, "weights": file_digest(path)})
    return GuidedCorrector(f"{name}@{file}", digest, ("torch", "numpy"), network, Unguarded(), choices.max_bytes)


@dataclass(frozen=True, slots=True)
class DncnnNetwork:
    """A Network (see `base`) that subtracts what the layers find in luma, and leaves chroma."""

    layers: "nn.Sequential"
    device: str = "cpu"
    stride_px: int = 1
    reach_px: int = DEPTH
    bytes_per_pixel: int = 3 * 4 * WIDTH

    def run(self, ycc: Float32[np.ndarray, "b 3 h w"], condition: Condition) -> Float32[np.ndarray, "b 3 h w"]:
        """Y, Cb, Cr with Y corrected, 0..1; the condition is not looked at."""
        import torch

        del condition
        with torch.inference_mode():
            noise = self.layers(torch.from_numpy(ycc[:, :1].copy()).to(self.device)).cpu().numpy()
        corrected = ycc.copy()
        corrected[:, :1] -= noise
        return corrected


def _network(path: Path) -> "nn.Sequential":
    """The layers with their weights; raises UsageError where the tensors are not those of this network."""
    from torch import nn

    tensors = _tensors(path)
    layers: list[nn.Module] = []
    for i in range(DEPTH):
        width_in, width_out = 1 if i == 0 else WIDTH, 1 if i == DEPTH - 1 else WIDTH
        layers += [nn.Conv2d(width_in, width_out, 3, padding=1), nn.ReLU(inplace=True)]
    network = nn.Sequential(*layers[:-1])
    try:
        network.load_state_dict({name.removeprefix("model."): tensor for name, tensor in tensors.items()})
    except (RuntimeError, AttributeError) as error:
        finding = str(error).splitlines()[1:2] or [str(error)]
        raise UsageError(f"{path}: not the weights of DnCNN-3 ({DEPTH} layers): {finding[0].strip()[:200]}") from error
    return network.eval()


def _tensors(path: Path) -> "dict[str, Tensor]":
    """The tensors of a safetensors file, or of a .pth or .pt that holds tensors alone; no code in it is run."""
    if path.suffix not in (".pth", ".pt"):
        from unlossy.correctors.nets.weights_file import load_weights

        return load_weights(path)[0]
    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        finding = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise UsageError(
            f"{path}: no file of tensors alone: {finding[0][:200]}. Pickled objects are never read; save the "
            "state_dict, or a safetensors file"
        ) from error
    if not isinstance(found, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in found.values()):
        raise UsageError(f"{path}: holds no state_dict (tensors by name)")
    return found
