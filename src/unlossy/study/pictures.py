"""The pictures of a finished study: made again from the data, as the rows were, and kept without loss in RUN/pictures.

Only a few, chosen by rule (`choice.py`) or by key, so that a RUN of a million items has no more than one of a hundred.
A large picture is kept as the crop that compression changed most; its corner lies on the 16-pixel grid, so that the
blocks of JPEG stay where they are.
"""

import difflib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from unlossy.codecs import decode_source
from unlossy.core.errors import CodecError, ItemError, RunError, UsageError
from unlossy.core.pixels import as_rgb, to_pil
from unlossy.core.types import Item
from unlossy.runs.pictures import (
    PICTURES,
    PictureCell,
    PictureIndex,
    PictureItem,
    read_pictures,
    write_pictures_index,
)
from unlossy.runs.plan import StudyPlan
from unlossy.runs.settings import families_of
from unlossy.store import CLEAN, NONE, RowStore, StudyRow
from unlossy.study.choice import Choice, choose_changed, was_right
from unlossy.study.strip import draw_strip, strip_name
from unlossy.tasks.base import Task

MAX_SIDE_PX = 320
MAX_LABELS = 100_000
GRID_PX = 16
ZOOM = 4
"""The zoomed region is this many times smaller than the picture, on each side."""


def write_pictures(
    run: Path, plan: StudyPlan, items: Sequence[Item], task: Task, store: RowStore, show: Sequence[str] = ()
) -> None:
    """Writes the pictures that changed their answer, and those whose keys are in `show`, with an index.

    What an earlier call wrote stays where it is still wanted. An item that cannot be made again is named in the index
    with the reason; raises RunError where the folder cannot be written, UsageError on an unknown key.
    """
    refuse_unknown(items, show)
    families = families_of(plan.made_codecs)
    changed = choose_changed(store.rows(), families)
    before = _earlier(run)
    keys = {*show, *(item.key for item in before.shown)}
    every = (CLEAN, *(setting for family in families for setting in family.settings))
    shown = tuple(Choice(index, every) for index, item in enumerate(items) if item.key in keys)
    if _kept(before.changed, changed) and _kept(before.shown, shown):
        return
    maker = _Maker(run, plan, items, task, _rows_of(store, {choice.item_index for choice in (*changed, *shown)}))
    made = [maker.make(choice) for choice in changed]
    made_shown = [maker.make(choice, strip=True) for choice in shown]
    write_pictures_index(
        run,
        PictureIndex(maker.labels, tuple(filter(None, made)), tuple(filter(None, made_shown)), tuple(maker.missing)),
    )


def refuse_unknown(items: Sequence[Item], show: Sequence[str]) -> None:
    """Raises UsageError naming the nearest keys where a key of `show` is not one of the items'."""
    if not show:
        return
    keys = [item.key for item in items]
    for key in set(show) - set(keys):
        near = difflib.get_close_matches(key, keys, n=3, cutoff=0.5) or keys[:3]
        raise UsageError(f"there is no item {key!r} to show; there are for example: {', '.join(near)}")


class _Maker:
    """Makes pictures again and keeps account of what could not be made."""

    def __init__(
        self, run: Path, plan: StudyPlan, items: Sequence[Item], task: Task, rows: dict[tuple[int, str], StudyRow]
    ) -> None:
        self.folder, self.plan, self.items, self.task, self.rows = run / PICTURES, plan, items, task, rows
        self.codecs = {codec.setting: codec for codec in plan.made_codecs}
        self.numbers = {setting: number for number, setting in enumerate((CLEAN, *self.codecs))}
        self.labels = _labels(task, items)
        self.missing: list[tuple[str, str]] = []

    def make(self, choice: Choice, *, strip: bool = False) -> PictureItem | None:
        """The item's pictures, written; None where one of them cannot be made as its row was."""
        item = self.items[choice.item_index]
        settings = [s for s in choice.settings if self._scored(choice.item_index, s)]
        try:
            if CLEAN not in settings:
                raise CodecError("it has no clean answer")
            versions = self._versions(choice.item_index, settings)
        except ItemError as error:
            self.missing.append((item.key, str(error)))
            return None
        try:
            self.folder.mkdir(exist_ok=True)
            return self._write(choice, versions, strip=strip)
        except OSError as error:
            raise RunError(f"cannot write the pictures to {self.folder}: {error.strerror or error}") from error

    def _scored(self, item_index: int, setting: str) -> bool:
        row = self.rows.get((item_index, setting))
        return row is not None and row.error_kind is None

    def _versions(self, item_index: int, settings: Sequence[str]) -> dict[str, UInt8[np.ndarray, "h w 3"]]:
        """The whole pictures by setting; raises ItemError, also where the bytes are not the row's."""
        clean = as_rgb(decode_source(self.items[item_index].blob.all()))
        if self.plan.compress_at == "input":
            clean = self.task.resize(clean)
        versions = {CLEAN: clean}
        for setting in settings:
            if setting != CLEAN:
                data = self.codecs[setting].encode(clean)
                if len(data) != self.rows[item_index, setting].encoded_bytes:
                    raise CodecError(f"made again, {setting} has {len(data)} bytes and not those of its row")
                versions[setting] = as_rgb(self.codecs[setting].decode(data))
        return versions

    def _write(self, choice: Choice, versions: dict[str, UInt8[np.ndarray, "h w 3"]], *, strip: bool) -> PictureItem:
        item_index, item = choice.item_index, self.items[choice.item_index]
        clean, worst = versions[CLEAN], list(versions.values())[-1]
        height, width = clean.shape[:2]
        difference = np.abs(clean.astype(np.float32) - worst).mean(axis=2)
        crop = most_changed(difference, (min(width, MAX_SIDE_PX), min(height, MAX_SIDE_PX)), GRID_PX)
        inside = _cut(difference, crop)
        zoom = most_changed(inside, (max(1, crop[2] // ZOOM), max(1, crop[3] // ZOOM)), 1)
        cells = tuple(self._cell(item_index, setting, _cut(image, crop)) for setting, image in versions.items())
        target = self.rows[item_index, CLEAN].target
        made = PictureItem(
            key=item.key,
            item_index=item_index,
            true_class=None if target is None else int(json.loads(target)["class_index"]),
            class_name=item.groups.get("class"),
            size_wh=(width, height),
            crop_xywh=crop,
            zoom_xywh=zoom,
            cells=cells,
            wrong_from=choice.wrong_from,
            strip=strip_name(item.key) if strip else None,
        )
        if made.strip is not None:
            draw_strip(made, versions, self.labels).save(self.folder / made.strip, "PNG", optimize=True)
        return made

    def _cell(self, item_index: int, setting: str, image_hwc: UInt8[np.ndarray, "h w 3"]) -> PictureCell:
        row = self.rows[item_index, setting]
        file = f"{item_index:06d}-{self.numbers[setting]:02d}.png"
        to_pil(image_hwc).save(self.folder / file, "PNG", optimize=True)
        answer = json.loads(row.prediction or "{}")
        return PictureCell(
            setting, file, answer["class_index"], answer["probability"], was_right(row), row.encoded_bytes
        )


def most_changed(
    difference_hw: Float32[np.ndarray, "h w"], size_wh: tuple[int, int], step: int
) -> tuple[int, int, int, int]:
    """The window (x, y, width, height) with the largest sum, its corner on multiples of `step`; the first of equals."""
    width, height = size_wh
    sums = np.pad(difference_hw.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    boxes = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    y, x = np.unravel_index(int(boxes[::step, ::step].argmax()), boxes[::step, ::step].shape)
    return int(x) * step, int(y) * step, width, height


def _cut(image: np.ndarray, box_xywh: tuple[int, int, int, int]) -> np.ndarray:
    x, y, width, height = box_xywh
    return image[y : y + height, x : x + width]


def _labels(task: Task, items: Sequence[Item]) -> tuple[str, ...] | None:
    """The model's class names; where it has none, those of the items' folders, with numbers for what they lack."""
    if task.classes is not None:
        return tuple(task.classes.values())
    names = {item.class_index: item.groups.get("class", "") for item in items if item.class_index is not None}
    if not names or max(names) >= MAX_LABELS:
        return None
    return tuple(names.get(index) or f"class {index}" for index in range(max(names) + 1))


def _rows_of(store: RowStore, wanted: set[int]) -> dict[tuple[int, str], StudyRow]:
    return {
        (row.item_index, row.codec): row for row in store.rows() if row.item_index in wanted and row.mitigation == NONE
    }


def _earlier(run: Path) -> PictureIndex:
    try:
        return read_pictures(run) or PictureIndex()
    except UsageError:  # broken or older: they are made again
        return PictureIndex()


def _kept(there: Sequence[PictureItem], wanted: Sequence[Choice]) -> bool:
    return [item.item_index for item in there] == [choice.item_index for choice in wanted]
