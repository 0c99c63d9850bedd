"""The demo's networks that say where things are: one trunk, a detector and a segmenter on it, and their export to ONNX.

    picture ─► fine texture, stride 2, 4, 8 ───────────────┐
       └─ a quarter of the size ─► outlines, stride 4, 8, 16 ─┴─► maps at stride 4 and 8 ─► head

Each has about 0.2 million weights and takes 60 to 75 million multiply-adds for 128 x 128 pixels. Needs torch.
"""

import warnings
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unlossy.train.demo_dense_files import REG_MAX, STRIDE
from unlossy.train.demo_network import gabor_filters, layer

_RARE = -4.6
"""The logit of 1 %: how likely a cell is to hold a class, before anything is learnt (RetinaNet's prior)."""


class Trunk(nn.Module):
    """Normalised images (b 3 h w, sides multiples of 16) to maps of 80 channels at stride 4 and 64 at stride 8."""

    def __init__(self) -> None:
        super().__init__()
        first, *rest = layer(3, 24, kernel=7, stride=2)
        first.load_state_dict({"weight": gabor_filters()}, strict=False)
        self.texture_4 = nn.Sequential(first, *rest, *layer(24, 48, stride=2))
        self.texture_8 = nn.Sequential(*layer(48, 64, stride=2))
        self.outlines_4 = nn.Sequential(nn.AvgPool2d(4), *layer(3, 32))
        self.outlines_8 = nn.Sequential(*layer(32, 64, stride=2))
        self.outlines_16 = nn.Sequential(*layer(64, 64, stride=2), *layer(64, 64), nn.Upsample(scale_factor=2.0))
        self.join = nn.Sequential(*layer(3 * 64, 64, kernel=1))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Both maps."""
        texture, outlines = self.texture_4(images), self.outlines_4(images)
        outlines_8 = self.outlines_8(outlines)
        joined = self.join(torch.cat((self.texture_8(texture), outlines_8, self.outlines_16(outlines_8)), 1))
        return torch.cat((texture, outlines), 1), joined


class DemoDetector(nn.Module):
    """An anchor-free detector of one stride, with the outputs of NanoDet (generalised focal loss, Li et al. 2020).

    Images (b 3 h w) to class scores (b n k) in 0..1, logits while training, and for each of the n cells, row by row,
    the logits (b n 32) of the distances left, top, right, bottom: 8 bins each, a stride wide.
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.trunk = Trunk()
        last = nn.Conv2d(48, n_classes, 1)
        nn.init.constant_(torch.as_tensor(last.bias), _RARE)
        self.scores = nn.Sequential(*layer(64, 48), last)
        self.sides = nn.Sequential(*layer(64, 48), nn.Conv2d(48, 4 * (REG_MAX + 1), 1))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and sides."""
        joined = self.trunk(images)[1]
        scores, sides = (head(joined).flatten(2).transpose(1, 2) for head in (self.scores, self.sides))
        return (scores if self.training else scores.sigmoid()), sides


class DemoSegmenter(nn.Module):
    """Images (b 3 h w) to class logits (b k h/4 w/4)."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.up = nn.Upsample(scale_factor=2.0)
        self.classify = nn.Sequential(*layer(80 + 64, 48, kernel=1), *layer(48, 48), nn.Conv2d(48, n_classes, 1))

    def forward(self, images: Tensor) -> Tensor:
        """The logits."""
        fine, joined = self.trunk(images)
        logits: Tensor = self.classify(torch.cat((fine, self.up(joined)), 1))
        return logits


def boxes_of(sides: Float[Tensor, "b n 32"], side_px: int) -> Float[Tensor, "b n 4"]:
    """The boxes (x0, y0, x1, y1) in pixels that a square picture's cells tell: each side at its expected distance."""
    bins = torch.arange(REG_MAX + 1.0)
    distances = sides.reshape(*sides.shape[:2], 4, REG_MAX + 1).softmax(3) @ bins * STRIDE
    return torch.cat((centres(side_px) - distances[..., :2], centres(side_px) + distances[..., 2:]), 2)


def centres(side_px: int) -> Float[Tensor, "n 2"]:
    """Where the cells of a square picture lie, (x, y) in pixels, row by row (NanoDet's convention)."""
    at = torch.arange(0, side_px, STRIDE) + (STRIDE - 1) / 2
    y, x = torch.meshgrid(at, at, indexing="ij")
    return torch.stack((x.flatten(), y.flatten()), 1)


def export(network: nn.Module, size: int, outputs: tuple[str, ...], file: Path) -> None:
    """Nothing; the network in evaluation mode as an ONNX file with its weights inside, for any number of pictures."""
    with warnings.catch_warnings():
        # The older exporter needs no onnxscript, folds the batch normalisation, writes one file, is called legacy.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network.eval(),
            (torch.zeros(2, 3, size, size),),
            file,
            input_names=["pixel_values"],
            output_names=list(outputs),
            dynamic_axes={name: {0: "batch"} for name in ("pixel_values", *outputs)},
            opset_version=17,
            dynamo=False,
        )
