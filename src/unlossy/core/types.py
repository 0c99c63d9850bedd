"""The nouns that cross package borders: bytes not yet read, samples not yet decoded, pixels with their evidence."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8, UInt16


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


Target = ClassTarget
"""What an item is scored against; a union once there are other tasks."""


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
