"""The nouns that cross package borders: bytes not yet read, samples not yet decoded, pixels with their evidence."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8, UInt16


class Blob(ABC):
    """Bytes somewhere (file, archive member, table cell); nothing is read until somebody asks.

    A base class and not a Protocol: a structural check at run time would evaluate `size_bytes`, which reads.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def size_bytes(self) -> int:
        """Size in bytes; raises ReadError."""

    @abstractmethod
    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset` on; fewer at the end; raises ReadError."""

    @abstractmethod
    def all(self) -> bytes:
        """Every byte; raises ReadError."""


@dataclass(frozen=True, slots=True)
class ClassTarget:
    """The right answer of a classification item."""

    class_index: int


@dataclass(frozen=True, slots=True, eq=False)
class ObjectsTarget:
    """The objects in a picture, in pixels of the source as it is stored (EXIF orientation not applied).

    Attributes:
        category_ids: The dataset's own ids, not the model's outputs.
        crowd: A region of many objects, which detections may match without being counted (COCO's `iscrowd`).
        areas: In square pixels: of the mask where the dataset has one, else of the box.
        ids: The annotations' own ids, for messages.
        outlines: Per object COCO's `segmentation` as the file has it (polygons or RLE), None where there is none.
        digest: Of all this, as text.
        size_hw: Of the picture that was annotated, where the dataset tells it.
    """

    category_ids: Int64[np.ndarray, " n"]
    boxes_xyxy: Float64[np.ndarray, "n 4"]
    crowd: Bool[np.ndarray, " n"]
    areas: Float64[np.ndarray, " n"]
    ids: tuple[int | str, ...]
    outlines: tuple[object | None, ...]
    digest: str
    size_hw: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class LabelMapTarget:
    """The class of each pixel: a one-channel PNG of category ids, read when it is scored.

    `ignored` are ids that are no class: pixels that nobody labelled.
    """

    blob: Blob
    digest: str
    ignored: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class TextTarget:
    """What stands written in a picture; lines are divided by "\\n"."""

    text: str


Target = ClassTarget | ObjectsTarget | LabelMapTarget | TextTarget
"""What an item is scored against."""

TargetKind = Literal["class", "objects", "label_map", "text"]
"""Which of them a task wants, in the order of `Target`."""


@dataclass(frozen=True, slots=True)
class Item:
    """One undecoded sample. `key` is stable and unique in its dataset; `groups` are for skew tests.

    `container` is the kind of container that the bytes lie in ("tar", "zip", "parquet", "pdf"), None for a plain file.
    """

    key: str
    blob: Blob
    target: Target | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    container: str | None = None

    @property
    def class_index(self) -> int | None:
        """The class of a classification item; None where it has none."""
        return self.target.class_index if isinstance(self.target, ClassTarget) else None


@dataclass(frozen=True, slots=True)
class CompressionHints:
    """What the bytes told of their compression: both tables in natural (row-major) order, luma sampling factors.

    `sampling_hv` is (2, 2) for 4:2:0, (2, 1) for 4:2:2, (1, 1) for 4:4:4 and grey.
    """

    table_luma: UInt16[np.ndarray, "8 8"]
    table_chroma: UInt16[np.ndarray, "8 8"] | None
    sampling_hv: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Decoded:
    """Pixels and what their bytes told; `hints` is None when nothing is known."""

    pixels_hwc: UInt8[np.ndarray, "h w c"]
    hints: CompressionHints | None = None
