"""The workers' half of a study: from an Item to what the model wants to see, once per cell.

An item is read and decoded once; each codec compresses the same RGB pixels. Whatever goes wrong becomes the cell's
error, or every cell's where the source itself cannot be read.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from unlossy.codecs import Codec, decode_source
from unlossy.core.errors import ItemError, ModelError
from unlossy.core.pixels import as_rgb
from unlossy.core.types import Item
from unlossy.store import CLEAN
from unlossy.study.evidence import SourceEvidence, source_evidence
from unlossy.tasks.base import Prepared, Task


@dataclass(frozen=True, slots=True)
class View:
    """An image as the model wants it, and what its compression cost; `size_wh` is that of what was compressed."""

    prepared: Prepared
    encoded_bytes: int | None
    size_wh: tuple[int, int]


@dataclass(frozen=True, slots=True)
class PreparedCell:
    """One item in one cell: a view or an error. `codec` is None in the clean cell."""

    codec: Codec | None
    view: View | ItemError
    elapsed_s: float

    @property
    def setting(self) -> str:
        """The codec's setting, or "clean"."""
        return CLEAN if self.codec is None else self.codec.setting


@dataclass(frozen=True, slots=True)
class PreparedItem:
    """One item in all its cells, the clean one first."""

    index: int
    item: Item
    evidence: SourceEvidence
    cells: tuple[PreparedCell, ...]


@dataclass(frozen=True, slots=True)
class ChunkWorker:
    """Prepares chunks of items, given as indices; thread-safe."""

    items: Sequence[Item]
    codecs: tuple[Codec, ...]
    task: Task
    compress_at: str

    def __call__(self, indices: Sequence[int]) -> list[PreparedItem]:
        """One PreparedItem per index, in order; an ItemError becomes a cell's."""
        return [self._prepare(index) for index in indices]

    def _prepare(self, index: int) -> PreparedItem:
        item, start = self.items[index], time.perf_counter()
        settings = (None, *self.codecs)
        evidence = SourceEvidence()
        try:
            data = item.blob.all()
            evidence = source_evidence(data)
            image_hwc = as_rgb(decode_source(data))
        except ItemError as error:
            elapsed_s = time.perf_counter() - start
            return PreparedItem(index, item, evidence, tuple(PreparedCell(c, error, elapsed_s) for c in settings))
        return PreparedItem(index, item, evidence, tuple(self._cell(image_hwc, codec) for codec in settings))

    def _cell(self, image_hwc: UInt8[np.ndarray, "h w 3"], codec: Codec | None) -> PreparedCell:
        start = time.perf_counter()
        view: View | ItemError
        try:
            view = self._view(image_hwc, codec)
        except ItemError as error:
            view = error
        except Exception as error:  # noqa: BLE001 (foreign preprocessing: its failure is this item's row)
            view = ModelError(f"the model's preprocessing failed: {type(error).__name__}: {error}")
        return PreparedCell(codec, view, time.perf_counter() - start)

    def _view(self, image_hwc: UInt8[np.ndarray, "h w 3"], codec: Codec | None) -> View:
        if codec is None:
            return View(self.task.prepare(image_hwc), None, _size_wh(image_hwc))
        if self.compress_at == "input":
            image_hwc = self.task.resize(image_hwc)
        data = codec.encode(image_hwc)
        decoded = as_rgb(codec.decode(data))
        prepared = self.task.normalise(decoded) if self.compress_at == "input" else self.task.prepare(decoded)
        return View(prepared, len(data), _size_wh(image_hwc))


def _size_wh(image_hwc: UInt8[np.ndarray, "h w c"]) -> tuple[int, int]:
    return image_hwc.shape[1], image_hwc.shape[0]
