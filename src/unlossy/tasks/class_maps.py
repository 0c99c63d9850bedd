"""What a semantic segmenter says of one picture: the class of each pixel, in the ids of the dataset."""

import base64
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import UInt16
from PIL import Image

KEPT_EDGE_PX: Final = 512
"""Longest side of the map that a row keeps, for pictures in a report."""

NO_CLASS: Final = 65_535
"""The id of pixels that count for nothing."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Which classes the answers of a model have, and what the ids in a dataset's masks count as.

    `names` are those of the ids that answers may have, None where they are not known. `read_as` gives for each id of a
    mask the answer that would be right, NO_CLASS where the model cannot know; None where every id is itself.
    """

    names: Mapping[int, str] | None
    read_as: Mapping[int, int] | None


@dataclass(frozen=True, slots=True, eq=False)
class ClassMap:
    """The class id of each pixel of the source, kept deflated: a chunk of a study holds hundreds of answers."""

    size_hw: tuple[int, int]
    deflated: bytes
    vocabulary: Vocabulary

    @classmethod
    def of(cls, class_ids: UInt16[np.ndarray, "h w"], vocabulary: Vocabulary) -> "ClassMap":
        """The answer that a map of ids is."""
        height, width = class_ids.shape
        return cls((height, width), zlib.compress(class_ids.astype("<u2").tobytes(), 1), vocabulary)

    @property
    def class_ids(self) -> UInt16[np.ndarray, "h w"]:
        """The map."""
        return np.frombuffer(zlib.decompress(self.deflated), "<u2").reshape(self.size_hw).astype(np.uint16)

    def to_json(self) -> dict[str, Any]:
        """The size, and the map as a PNG in base64, its longest side at most KEPT_EDGE_PX (nearest pixels)."""
        ids = self.class_ids
        step = max(1.0, max(ids.shape) / KEPT_EDGE_PX)
        rows, columns = (
            np.minimum(((np.arange(max(1, round(n / step))) + 0.5) * step).astype(int), n - 1) for n in ids.shape
        )
        return {"size_hw": list(self.size_hw), "png": base64.b64encode(png_of(ids[rows][:, columns])).decode("ascii")}


def class_ids_in(row: Mapping[str, Any]) -> UInt16[np.ndarray, "h w"]:
    """The map that a row keeps of an answer (`ClassMap.to_json`), shrunk as it is there."""
    with Image.open(io.BytesIO(base64.b64decode(row["png"])), formats=["PNG"]) as image:
        return np.asarray(image).astype(np.uint16)


def png_of(class_ids: UInt16[np.ndarray, "h w"]) -> bytes:
    """The ids as a one-channel PNG, of 8 bits where they fit."""
    buffer = io.BytesIO()
    Image.fromarray(class_ids.astype(np.uint8) if class_ids.max(initial=0) < 256 else class_ids).save(buffer, "PNG")
    return buffer.getvalue()
