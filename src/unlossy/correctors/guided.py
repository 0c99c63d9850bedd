"""A network made into a corrector: routed, padded, batched, tiled, guarded and rounded.

    picture ─ route ─┬─ untouched ────────────────────────────────────────────────► itself
                     └─ tiles: pad to the grid ─ Y, Cb, Cr ─ network ─ projection ─ RGB ─► uint8

Small pictures of one size go through the network together; large ones tile by tile, so that memory stays bounded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float32, UInt8

from unlossy.core.errors import ModelError
from unlossy.core.types import Decoded
from unlossy.correctors.base import Condition, Network
from unlossy.correctors.colour import image_of, is_grey, ycc_of
from unlossy.correctors.guards import Guards, Route, Unguarded, strength
from unlossy.correctors.projection import projected
from unlossy.correctors.tiling import Tile, core_px, round_up, tiles

MAX_TOGETHER: Final = 16
TOTAL_BYTES: Final = 1080 * 2**20
LEAST_BYTES: Final = 220 * 2**20
TILE_STEP: Final = 32
"""Tiles start on multiples of it: on blocks of chroma sampled 2 or 4 times less, too."""
HELD_BYTES_PER_PIXEL: Final = 9
"""The picture, its correction and an encoder's copy, three bytes each."""


@dataclass(frozen=True, slots=True)
class _Job:
    """One picture on its way: `index` in the batch, size with the padding that brings it onto the grid."""

    index: int
    picture: Decoded
    route: Route
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class GuidedCorrector:
    """A Corrector (see `base`) around a Network; `max_bytes` bounds a run of it (None: by the size of the picture)."""

    name: str
    digest: str
    libraries: tuple[str, ...]
    network: Network
    guards: Guards | Unguarded = field(default_factory=Guards)
    max_bytes: int | None = None

    def correct(self, batch: Sequence[Decoded]) -> list[UInt8[np.ndarray, "h w c"]]:
        """The repaired pictures in order, each in its own size; grey stays grey. Raises ModelError on NaN."""
        results = [picture.pixels_hwc for picture in batch]
        for group in self._groups(batch):
            outputs = self._together(group) if len(group) > 1 else [self._tiled(group[0])]
            for job, output in zip(group, outputs, strict=True):
                results[job.index] = output if job.route.hints is None else self._again(job.index, output)
        return results

    def touches(self, picture: Decoded) -> bool:
        """Whether the picture would be changed at all."""
        return self.guards.route(picture).touched

    def _again(self, index: int, corrected: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w c"]:
        """The corrected picture, once more where the grid of an earlier compression shows in it."""
        route = self.guards.again(corrected)
        return self._tiled(self._job(index, Decoded(corrected), route)) if route.touched else corrected

    def _groups(self, batch: Sequence[Decoded]) -> Iterator[list[_Job]]:
        """Jobs that go through the network at once: of one size, and within the memory."""
        by_size: dict[tuple[int, int], list[_Job]] = {}
        for index, picture in enumerate(batch):
            route = self.guards.route(picture)
            if route.touched:
                job = self._job(index, picture, route)
                by_size.setdefault((job.height, job.width), []).append(job)
        for (height, width), jobs in by_size.items():
            fitting = self._allowed(height, width) // (height * width * self.network.bytes_per_pixel)
            step = min(max(1, fitting), MAX_TOGETHER)
            yield from (jobs[start : start + step] for start in range(0, len(jobs), step))

    def _job(self, index: int, picture: Decoded, route: Route) -> _Job:
        height, width = picture.pixels_hwc.shape[:2]
        top, left = _padding(route)
        stride = self.network.stride_px
        return _Job(index, picture, route, round_up(height + top, stride), round_up(width + left, stride))

    def _allowed(self, height: int, width: int) -> int:
        if self.max_bytes is not None:
            return self.max_bytes
        return max(LEAST_BYTES, TOTAL_BYTES - HELD_BYTES_PER_PIXEL * height * width)

    def _together(self, jobs: list[_Job]) -> list[UInt8[np.ndarray, "h w c"]]:
        whole = Tile(0, jobs[0].height, 0, jobs[0].width, 0, jobs[0].height, 0, jobs[0].width)
        decoded = np.stack([ycc_of(_region(job, whole)) for job in jobs])
        corrected = self._run(decoded, Condition.of([job.route.hints for job in jobs]))
        outputs = []
        for i, job in enumerate(jobs):
            output = np.empty_like(job.picture.pixels_hwc)
            self._place(output, job, whole, decoded[i], corrected[i], _is_drab(job))
            outputs.append(output)
        return outputs

    def _tiled(self, job: _Job) -> UInt8[np.ndarray, "h w c"]:
        network, output, drab = self.network, np.empty_like(job.picture.pixels_hwc), _is_drab(job)
        margin = round_up(network.reach_px, network.stride_px)
        allowed = self._allowed(job.height, job.width)
        side = core_px(job.height, job.width, margin, network.bytes_per_pixel, allowed, TILE_STEP)
        condition = Condition.of([job.route.hints])
        for tile in tiles(job.height, job.width, side, margin):
            decoded = ycc_of(_region(job, tile))
            corrected = self._run(decoded[None], condition)[0]
            self._place(output, job, tile, decoded, corrected, drab)
        return output

    def _run(self, decoded: Float32[np.ndarray, "b 3 h w"], condition: Condition) -> Float32[np.ndarray, "b 3 h w"]:
        corrected = self.network.run(decoded, condition)
        if not np.isfinite(corrected).all():
            raise ModelError(f"the corrector {self.name} answered with NaN or infinity")
        return corrected

    def _place(
        self,
        output: UInt8[np.ndarray, "h w c"],
        job: _Job,
        tile: Tile,
        decoded: Float32[np.ndarray, "3 th tw"],
        corrected: Float32[np.ndarray, "3 th tw"],
        drab: bool,
    ) -> None:
        """Writes a tile's core, guarded and rounded, into the picture."""
        core = (
            slice(tile.keep_top - tile.read_top, tile.keep_bottom - tile.read_top),
            slice(tile.keep_left - tile.read_left, tile.keep_right - tile.read_left),
        )
        kept = corrected[:, *core]
        if job.route.guarded and job.route.hints is not None:
            given, share = decoded[:, *core], np.float32(strength(job.route.hints))
            around, inside = _with_neighbours(core, decoded.shape[1:])
            held = projected(corrected[:, *around], decoded[:, *around], job.route.hints)[:, *inside]
            kept = given + share * (held - given)
        image = image_of(kept, 1 if drab else output.shape[2])
        top, left = _padding(job.route)
        rows = slice(max(tile.keep_top - top, 0), min(tile.keep_bottom - top, output.shape[0]))
        columns = slice(max(tile.keep_left - left, 0), min(tile.keep_right - left, output.shape[1]))
        first_row, first_column = rows.start + top - tile.keep_top, columns.start + left - tile.keep_left
        height, width = rows.stop - rows.start, columns.stop - columns.start
        output[rows, columns] = image[first_row : first_row + height, first_column : first_column + width]


def _with_neighbours(core: tuple[slice, slice], size: tuple[int, ...]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The core with `TILE_STEP` more of the tile on each side, where it has that, and where in this the core lies.

    Chroma of half the size is interpolated across the edges of a tile's core, too.
    """
    around = [
        slice(s.start - TILE_STEP * (s.start >= TILE_STEP), min(n, s.stop + TILE_STEP))
        for s, n in zip(core, size, strict=True)
    ]
    inside = [slice(s.start - a.start, s.stop - a.start) for s, a in zip(core, around, strict=True)]
    return tuple(around), tuple(inside)


def _padding(route: Route) -> tuple[int, int]:
    """Rows above and columns to the left that bring the grid to the top left corner."""
    return -route.grid_top % 8, -route.grid_left % 8


def _is_drab(job: _Job) -> bool:
    """Whether a picture of three channels holds no colour: it must come out without."""
    return is_grey(job.picture.pixels_hwc)


def _region(job: _Job, tile: Tile) -> UInt8[np.ndarray, "th tw c"]:
    """The pixels that a tile reads; beyond the picture its edges are repeated, as encoders fill their last blocks."""
    image = job.picture.pixels_hwc
    top, left = _padding(job.route)
    rows = np.clip(np.arange(tile.read_top, tile.read_bottom) - top, 0, image.shape[0] - 1)
    columns = np.clip(np.arange(tile.read_left, tile.read_right) - left, 0, image.shape[1] - 1)
    inside = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return inside[rows - rows[0]][:, columns - columns[0]]
