"""The workers' half of a study: from an Item to what the model wants to see, once per cell.

    source ─► each codec: encode, decode ─► each mitigation: corrected or as it is ─► prepared for its model

An item is read and decoded once, and compressed once per codec, whatever the number of mitigations (once per codec and
model where it is compressed at the model's input size). Correctors get several small pictures at once. Whatever goes
wrong becomes the cell's error, or every cell's where the source itself
cannot be read.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import numpy as np
from jaxtyping import UInt8

from unlossy.codecs import Codec, decode_source
from unlossy.codecs.source import hints_of
from unlossy.core.errors import ItemError, ModelError
from unlossy.core.pixels import as_rgb
from unlossy.core.types import Decoded, Item
from unlossy.store import CLEAN, NONE
from unlossy.study.evidence import SourceEvidence, source_evidence
from unlossy.study.fit import check_fit
from unlossy.study.mitigation import Mitigation
from unlossy.tasks.base import Prepared, Task

MAX_TOGETHER_PX: Final = 2**20
"""Pixels that a corrector gets at once, sixteen pictures of 256 x 256; a larger picture goes alone."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class View:
    """An image as the model wants it, and what its compression cost; `size_wh` is that of what was compressed."""

    prepared: Prepared
    encoded_bytes: int | None
    size_wh: tuple[int, int]


@dataclass(frozen=True, slots=True)
class PreparedCell:
    """One item in one cell: a view or an error. `codec` is None in a clean cell; `mitigation` is the plan's text."""

    codec: Codec | None
    mitigation: str
    view: View | ItemError
    elapsed_s: float

    @property
    def setting(self) -> str:
        """The codec's setting, or "clean"."""
        return CLEAN if self.codec is None else self.codec.setting


@dataclass(frozen=True, slots=True)
class PreparedItem:
    """One item in all its cells, the clean one without mitigation first."""

    index: int
    item: Item
    evidence: SourceEvidence
    cells: tuple[PreparedCell, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """An item, decoded to RGB, or why not."""

    index: int
    item: Item
    evidence: SourceEvidence
    picture: Decoded | ItemError
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class _Compressed:
    """A source through one codec: the picture that comes out, or why none does."""

    picture: Decoded | ItemError
    encoded_bytes: int | None
    size_wh: tuple[int, int]
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class ChunkWorker:
    """Prepares chunks of items, given as indices; thread-safe. The clean cell without mitigation is always there."""

    items: Sequence[Item]
    codecs: tuple[Codec, ...]
    task: Task
    compress_at: str
    mitigations: tuple[Mitigation, ...] = (Mitigation(),)

    def __call__(self, indices: Sequence[int]) -> list[PreparedItem]:
        """One PreparedItem per index, in order; an ItemError becomes a cell's."""
        return [prepared for group in self._groups(indices) for prepared in self._prepare(group)]

    def _groups(self, indices: Sequence[int]) -> Iterator[list[_Source]]:
        """Sources to be corrected together: as many as make a megapixel, so that memory is bounded; else one by one."""
        most_px = MAX_TOGETHER_PX if self._corrects else 0
        group: list[_Source] = []
        for index in indices:
            source = self._source(index)
            if group and sum(map(_n_pixels, group)) + _n_pixels(source) > most_px:
                yield group
                group = []
            group.append(source)
        if group:
            yield group

    def _prepare(self, group: list[_Source]) -> list[PreparedItem]:
        columns = [column for codec in (None, *self.codecs) for column in self._columns(group, codec)]
        return [
            PreparedItem(source.index, source.item, source.evidence, tuple(column[number] for column in columns))
            for number, source in enumerate(group)
        ]

    def _columns(self, group: list[_Source], codec: Codec | None) -> Iterator[list[PreparedCell]]:
        """The group in the cells of one codec, one list per mitigation."""
        made: dict[int, list[_Compressed]] = {}
        for mitigation in self._asked_of(codec):
            task = mitigation.task or self.task
            sized_for = id(task) if self.compress_at == "input" else 0
            if sized_for not in made:
                made[sized_for] = [self._compressed(source, codec, task) for source in group]
            yield self._cells(made[sized_for], codec, mitigation)

    def _asked_of(self, codec: Codec | None) -> tuple[Mitigation, ...]:
        """The mitigations of a codec's cells; the clean cell without any is there even where it was not asked for."""
        missing = codec is None and all(mitigation.text != NONE for mitigation in self.mitigations)
        return (Mitigation(), *self.mitigations) if missing else self.mitigations

    def _source(self, index: int) -> _Source:
        item, start, evidence = self.items[index], time.perf_counter(), SourceEvidence()
        picture: Decoded | ItemError
        try:
            data = item.blob.all()
            evidence = source_evidence(data)
            picture = Decoded(as_rgb(decode_source(data)), hints_of(data) if self._corrects else None)
            check_fit(item.target, picture.pixels_hwc)
        except ItemError as error:
            picture = error
        return _Source(index, item, evidence, picture, time.perf_counter() - start)

    def _compressed(self, source: _Source, codec: Codec | None, task: Task) -> _Compressed:
        picture, start = source.picture, time.perf_counter()
        if isinstance(picture, ItemError):
            return _Compressed(picture, None, (0, 0), source.elapsed_s)
        size_wh, n_bytes = _size_wh(picture.pixels_hwc), None
        try:
            if self.compress_at == "input":
                picture = Decoded(self._by_model(partial(task.resize, picture.pixels_hwc)))
            if codec is not None:
                size_wh = _size_wh(picture.pixels_hwc)
                data = codec.encode(picture.pixels_hwc)
                n_bytes = len(data)
                picture = Decoded(as_rgb(codec.decode(data)), hints_of(data) if self._corrects else None)
        except ItemError as error:
            return _Compressed(error, n_bytes, size_wh, time.perf_counter() - start)
        return _Compressed(picture, n_bytes, size_wh, time.perf_counter() - start)

    def _cells(self, compressed: list[_Compressed], codec: Codec | None, mitigation: Mitigation) -> list[PreparedCell]:
        start = time.perf_counter()
        pictures = mitigation.apply([c.picture for c in compressed])
        share_s = (time.perf_counter() - start) / len(compressed)
        cells = []
        for before, picture in zip(compressed, pictures, strict=True):
            start = time.perf_counter()
            view = self._view(before, picture, mitigation.task or self.task)
            elapsed_s = before.elapsed_s + share_s + time.perf_counter() - start
            cells.append(PreparedCell(codec, mitigation.text, view, elapsed_s))
        return cells

    def _view(self, compressed: _Compressed, picture: Decoded | ItemError, task: Task) -> View | ItemError:
        if isinstance(picture, ItemError):
            return picture
        prepare = task.normalise if self.compress_at == "input" else task.prepare
        try:
            prepared = self._by_model(partial(prepare, picture.pixels_hwc))
        except ItemError as error:
            return error
        return View(prepared, compressed.encoded_bytes, compressed.size_wh)

    @property
    def _corrects(self) -> bool:
        return any(mitigation.corrector is not None for mitigation in self.mitigations)

    @staticmethod
    def _by_model(work: Callable[[], T]) -> T:
        """What foreign preprocessing answers; raises ModelError where it fails, for that is this item's row."""
        try:
            return work()
        except ItemError:
            raise
        except Exception as error:
            raise ModelError(f"the model's preprocessing failed: {type(error).__name__}: {error}") from error


def _n_pixels(source: _Source) -> int:
    return 0 if isinstance(source.picture, ItemError) else source.picture.pixels_hwc[:, :, 0].size


def _size_wh(image_hwc: UInt8[np.ndarray, "h w c"]) -> tuple[int, int]:
    return image_hwc.shape[1], image_hwc.shape[0]
