"""The geometry and arithmetic that a recogniser of text lines was trained with: strips of one height."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from jaxtyping import Float32, UInt8

from unlossy.core.pixels import from_pil, to_pil
from unlossy.tasks.models.preprocess import FILTERS, refuse_sliver

LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
"""Rec. 601, as Pillow's mode L; without its rounding, so that gradients can follow."""


@dataclass(frozen=True, slots=True)
class Strip:
    """How a picture becomes a strip (the fields: see `facts`); thread-safe. `width` None leaves it free."""

    height: int
    width: int | None
    rule: Literal["stretch", "height"]
    filter: str
    channels: Literal["L", "RGB", "BGR"]
    scale: Literal["0..1", "0..255"]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fill: int = 127

    def resize(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The strip; raises TooLargeError for a picture too thin to be one."""
        refuse_sliver(image_hwc)
        height, width = image_hwc.shape[:2]
        new_width = max(1, round(width * self.height / height))
        if self.width is not None:
            new_width = self.width if self.rule == "stretch" else min(new_width, self.width)
        image = to_pil(image_hwc)
        if (height, width) != (self.height, new_width):
            image = image.resize((new_width, self.height), FILTERS[self.filter])
        if self.width is None or new_width == self.width:
            return from_pil(image)
        filled = np.full((self.height, self.width, 3), self.fill, np.uint8)
        filled[:, :new_width] = from_pil(image)
        return filled

    def normalise(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "c h w"]:
        """`(scaled pixel - mean) / std`, channels first in the order of `channels`."""
        values: Float32[np.ndarray, "h w c"] = image_hwc.astype(np.float32)
        if self.channels == "L":
            values = np.asarray(values @ LUMA, np.float32)[:, :, None]
        elif self.channels == "BGR":
            values = values[:, :, ::-1]
        if self.scale == "0..1":
            values = values / np.float32(255)
        values = (values - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(values.transpose(2, 0, 1))
