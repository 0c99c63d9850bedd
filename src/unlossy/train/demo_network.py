"""The demo's classifier: its layers, a short training loop, and its export to ONNX. Needs torch.

A convolutional network of 0.2 million weights in two branches, about 50 million multiply-adds at 128 x 128 pixels.
"""

import itertools
import math
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Int64, UInt8

from unlossy.core.tools import require

for _module in ("torch", "safetensors", "onnx"):
    require(_module, "train", "training the demo's classifier")

import torch  # noqa: E402 (after the check that names the extra)
from safetensors.torch import save_file  # noqa: E402
from torch import Tensor, nn  # noqa: E402

MEAN, STD = 0.38, 0.2
"""Of the scenes' pixels in 0..1, the same for the three channels."""

_BATCH = 32
_CROP_PX = 12
_PEAK_RATE = 3e-3


class DemoNetwork(nn.Module):
    """Normalised images (b 3 h w, h and w multiples of 4 from 64 on) to logits (b k); fully convolutional.

    Two branches see what the classes are made of: one the outlines, in the picture at a quarter of its size, the other
    the fine texture, in the full picture. Each ends in the mean and the maximum over all places.
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.outlines = nn.Sequential(
            nn.AvgPool2d(4), *layer(3, 32), *layer(32, 64, stride=2), *layer(64, 96, stride=2), *layer(96, 96)
        )
        first, *rest = layer(3, 24, kernel=7, stride=2)
        self.texture = nn.Sequential(first, *rest, *layer(24, 48, stride=2), *layer(48, 64, stride=2))
        self.classify = nn.Linear(2 * (96 + 64), n_classes)
        first.load_state_dict({"weight": gabor_filters()}, strict=False)

    def forward(self, images: Tensor) -> Tensor:
        """The logits."""
        maps = (self.outlines(images), self.texture(images))
        pooled = [pool for found in maps for pool in (found.mean((2, 3)), found.amax((2, 3)))]
        logits: Tensor = self.classify(torch.cat(pooled, 1))
        return logits


def gabor_filters() -> Float[Tensor, "24 3 7 7"]:
    """Filters for a texture branch to start from: 24 oriented waves of luma, 8 directions, periods 2.7, 3.8 and 5.4 px.

    From random weights the textures were still at chance after 450 steps, when the outlines had been learnt.
    """
    y, x = torch.meshgrid(torch.arange(-3.0, 4.0), torch.arange(-3.0, 4.0), indexing="ij")
    bell = torch.exp(-(x * x + y * y) / 6.0)
    filters = []
    for period, turn in itertools.product((2.7, 3.8, 5.4), range(8)):
        angle = math.pi * turn / 8
        wave = torch.cos(2 * math.pi * (x * math.cos(angle) + y * math.sin(angle)) / period + 0.7) * bell
        wave -= wave.mean()
        filters.append(wave / wave.abs().sum())
    luma = torch.tensor([0.299, 0.587, 0.114])
    return 2.0 * torch.stack(filters)[:, None] * luma[None, :, None, None]


def layer(n_in: int, n_out: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    """A convolution, its batch normalisation and a ReLU."""
    convolution = nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(n_out), nn.ReLU(inplace=True)]


def fit(
    images: UInt8[np.ndarray, "n h w 3"],
    class_indices: Int64[np.ndarray, " n"],
    *,
    n_classes: int,
    steps: int,
    seed: int,
    report: Callable[[int, float], None],
) -> DemoNetwork:
    """A network trained on the images as they are, but for mirroring and small crops; in evaluation mode.

    `report` is told the step and the loss now and then. The same seed, machine and number of threads give the same
    weights.
    """
    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    network = DemoNetwork(n_classes)
    optimizer = torch.optim.AdamW(network.parameters(), lr=_PEAK_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _PEAK_RATE, total_steps=steps, pct_start=0.2)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.02)
    network.train()
    for step in range(steps):
        picked = chance.integers(0, len(images), _BATCH)
        batch = torch.from_numpy(normalise(_augment(images[picked], chance)))
        logits = network(batch)
        loss = loss_of(logits, torch.from_numpy(class_indices[picked]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 50 == 49 or step + 1 == steps:
            report(step + 1, float(loss.detach()))
    network.eval()
    return network


def normalise(images: UInt8[np.ndarray, "b h w 3"]) -> Float32[np.ndarray, "b 3 h w"]:
    """What the network takes: pixels in 0..1, less MEAN, over STD."""
    planes = np.ascontiguousarray(images.transpose(0, 3, 1, 2)).astype(np.float32)
    return (planes / np.float32(255) - np.float32(MEAN)) / np.float32(STD)


def _augment(images: UInt8[np.ndarray, "b h w 3"], chance: np.random.Generator) -> UInt8[np.ndarray, "b h2 w2 3"]:
    """The batch cropped by a few pixels at a random place and, as a whole, mirrored or not."""
    room = min(_CROP_PX, images.shape[1] // 8)
    top, left = chance.integers(0, room + 1, 2)
    height, width = images.shape[1] - room, images.shape[2] - room
    cropped = images[:, top : top + height, left : left + width]
    return cropped[:, :, :: int(chance.choice([-1, 1]))]


def logits_of(network: DemoNetwork, images: UInt8[np.ndarray, "b h w 3"]) -> Float32[np.ndarray, "b k"]:
    """The network's logits."""
    with torch.inference_mode():
        logits: Float32[np.ndarray, "b k"] = network(torch.from_numpy(normalise(images))).numpy()
    return logits


def export(network: DemoNetwork, size: int, onnx_file: Path, safetensors_file: Path) -> None:
    """The network written to two files: ONNX with its weights inside (any batch size), and safetensors."""
    with warnings.catch_warnings():
        # The older exporter needs no onnxscript, folds the batch normalisation, writes one file, is called legacy.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (torch.zeros(2, 3, size, size),),
            onnx_file,
            input_names=["pixel_values"],
            output_names=["logits"],
            dynamic_axes={"pixel_values": {0: "batch"}, "logits": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_file(weights, safetensors_file)
    safetensors_file.chmod(0o644)  # save_file leaves it to its owner alone, which a package may not
