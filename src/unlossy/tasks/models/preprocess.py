"""The preprocessing a model was trained with, as data: geometry by Pillow, then scale, mean and deviation.

Follows the conventions of torchvision (and so of timm): with `shortest_edge` the long side is
`int(edge * long / short)`, a centre crop begins at `round((side - crop) / 2)`, half to even, and a crop larger than the
image pads with black.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from unlossy.core.errors import TooLargeError
from unlossy.core.pixels import MAX_PIXELS, from_pil, to_pil

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


MAX_ASPECT = 2000
"""Long side over short side beyond which a foreign resize by the shortest edge could take gigabytes."""


@dataclass(frozen=True, slots=True)
class Preprocess:
    """Geometry and arithmetic before a network; thread-safe.

    `size_hw` is what the network takes, None only for `shortest_edge` without a crop. `mean` and `std` stand in the
    order of `channels` and apply after `scale`. `fill` is the grey value of a letterbox's bars.
    """

    size_hw: tuple[int, int] | None
    rule: Literal["shortest_edge", "stretch", "letterbox"] = "shortest_edge"
    edge: int | None = None
    center_crop: bool = True
    filter: str = "bilinear"
    channels: Literal["RGB", "BGR"] = "RGB"
    scale: Literal["0..1", "0..255"] = "0..1"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    fill: int = 114

    def resize(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The image in the network's geometry; raises TooLargeError where a sliver of an image would become huge."""
        height, width = image_hwc.shape[:2]
        new_hw = self.resized_hw(height, width)
        if new_hw[0] * new_hw[1] > MAX_PIXELS:
            raise TooLargeError(f"{width}x{height} pixels resized as the model wants it are {new_hw[1]}x{new_hw[0]}")
        image = to_pil(image_hwc)
        if new_hw != (height, width):
            image = image.resize((new_hw[1], new_hw[0]), FILTERS[self.filter])
        if self.size_hw is None or (self.rule == "shortest_edge" and not self.center_crop):
            return from_pil(image)
        if self.rule == "letterbox":
            return _padded(from_pil(image), self.size_hw, self.fill)
        return _center_cropped(image, self.size_hw)

    def normalise(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "3 h w"]:
        """`(scaled pixel - mean) / std`, channels first in the order of `channels`."""
        values: Float32[np.ndarray, "h w 3"] = image_hwc.astype(np.float32)
        if self.scale == "0..1":
            values = values / np.float32(255)
        if self.channels == "BGR":
            values = values[:, :, ::-1]
        values = (values - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(values.transpose(2, 0, 1))

    def resized_hw(self, height: int, width: int) -> tuple[int, int]:
        """The height and width that the whole picture is resized to, before any crop or letterbox."""
        if self.rule == "stretch" and self.size_hw is not None:
            return self.size_hw
        if self.rule == "letterbox" and self.size_hw is not None:
            ratio = min(self.size_hw[0] / height, self.size_hw[1] / width)
            return max(1, round(height * ratio)), max(1, round(width * ratio))
        edge = self.edge or min(self.size_hw or (height, width))
        if height <= width:
            return edge, int(edge * width / height)
        return int(edge * height / width), edge


def refuse_sliver(image_hwc: UInt8[np.ndarray, "h w 3"]) -> None:
    """Nothing; raises TooLargeError above MAX_ASPECT: for foreign geometry, whose result we cannot foresee."""
    short, long = sorted(image_hwc.shape[:2])
    if long > MAX_ASPECT * short:
        raise TooLargeError(f"an image of {long}x{short} pixels is too thin a sliver to be resized by its short edge")


def _center_cropped(image: Image.Image, size_hw: tuple[int, int]) -> UInt8[np.ndarray, "h w 3"]:
    # Pillow's crop fills what lies outside with black, which is also torchvision's padding; where it pads, torchvision
    # puts the odd pixel at the end: (crop - side) // 2 before.
    top, left = (_crop_start(side, crop) for side, crop in zip(image.size[::-1], size_hw, strict=True))
    return from_pil(image.crop((left, top, left + size_hw[1], top + size_hw[0])))


def _crop_start(side: int, crop: int) -> int:
    return round((side - crop) / 2) if side >= crop else -((crop - side) // 2)


def _padded(image_hwc: UInt8[np.ndarray, "h w 3"], size_hw: tuple[int, int], fill: int) -> UInt8[np.ndarray, "h2 w2 3"]:
    height, width = image_hwc.shape[:2]
    top, left = (size_hw[0] - height) // 2, (size_hw[1] - width) // 2
    result = np.full((*size_hw, 3), fill, np.uint8)
    result[top : top + height, left : left + width] = image_hwc
    return result
