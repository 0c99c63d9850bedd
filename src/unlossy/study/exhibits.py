"""The pictures of a study whose answers are boxes, maps or texts: made again from the data, and kept without loss.

Kept are the items whose score fell most between the clean picture and the worst quality looked at, and those asked for
by key; each clean, at the qualities looked at, and at the worst of them as each mitigation repairs it.
"""

import heapq
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import UInt8

from unlossy.codecs import decode_source
from unlossy.codecs.source import hints_of
from unlossy.core.errors import CodecError, ItemError, RunError, UsageError
from unlossy.core.pixels import as_rgb, to_pil
from unlossy.core.types import Decoded, Item
from unlossy.runs.exhibits import Exhibit, Exhibits, Version, read_exhibits, write_exhibits_index
from unlossy.runs.pictures import PICTURES
from unlossy.runs.plan import StudyPlan
from unlossy.runs.settings import families_of
from unlossy.store import CLEAN, NONE, RowStore, StudyRow
from unlossy.study.mitigation import Mitigation
from unlossy.study.pictures import GRID_PX, most_changed
from unlossy.tasks.base import Task, Yardstick

N_EXHIBITS: Final = 8
MAX_SIDE_PX: Final = 640
MAX_REPAIRED: Final = 3
"""Mitigations shown of an item; more are left to the tables."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """An item and how far its score fell; None where it was asked for."""

    item_index: int
    lost: float | None


def write_exhibits(
    run: Path,
    plan: StudyPlan,
    items: Sequence[Item],
    task: Task,
    mitigations: Sequence[Mitigation],
    store: RowStore,
    show: Sequence[str] = (),
) -> None:
    """Writes the exhibits of a study with their index.

    What an earlier call wrote stays where it is still wanted. An item that cannot be made again is named in the index
    with the reason; raises RunError where the folder cannot be written.
    """
    looked_at = families_of(plan.made_codecs)[0].looked_at()
    before = _earlier(run)
    keys = {*show, *(item.key for item in before.items if item.lost is None)}
    asked = [Chosen(index, None) for index, item in enumerate(items) if item.key in keys]
    fallen = choose_fallen(store.rows(), task.yardstick, looked_at[-1])
    chosen = [*asked, *(one for one in fallen if one.item_index not in {c.item_index for c in asked})]
    if chosen and [one.item_index for one in chosen] == [item.item_index for item in before.items]:
        return
    wanted = {one.item_index for one in chosen}
    rows = {(r.item_index, r.codec, r.mitigation): r for r in store.rows() if r.item_index in wanted}
    repairs = [m for m in mitigations if m.corrector is not None and m.task is None][:MAX_REPAIRED]
    maker = _Maker(run / PICTURES, plan, items, (CLEAN, *looked_at), repairs, rows)
    made, missing = [], []
    for one in chosen:
        try:
            made.append(maker.make(one))
        except ItemError as error:
            missing.append((items[one.item_index].key, str(error)))
        except OSError as error:
            raise RunError(f"cannot write the pictures to {run / PICTURES}: {error.strerror or error}") from error
    write_exhibits_index(run, Exhibits(task.classes or {}, tuple(made), tuple(missing)))


def choose_fallen(
    rows: Iterable[StudyRow], measure: Yardstick, setting: str, n_items: int = N_EXHIBITS
) -> list[Chosen]:
    """At most `n_items` items, that whose score fell most at `setting` first; rows come in the order of their items.

    The score is the yardstick's `item_metric`, or without a label the agreement with the clean answer.
    """
    worst: list[tuple[float, int]] = []
    for index, item_rows in groupby(rows, key=attrgetter("item_index")):
        cells = {r.codec: r for r in item_rows if r.mitigation == NONE and r.error_kind is None}
        if not {CLEAN, setting} <= cells.keys():
            continue
        lost = _value(cells[CLEAN], measure) - _value(cells[setting], measure)
        if lost > 0:
            (heapq.heappush if len(worst) < n_items else heapq.heappushpop)(worst, (lost, -index))
    return [Chosen(-index, lost) for lost, index in sorted(worst, reverse=True)]


def _value(row: StudyRow, measure: Yardstick) -> float:
    score = json.loads(row.score or "{}")
    value = score.get(measure.item_metric)
    return float(score.get("agreement") or 0.0) if value is None else float(value)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the pictures of an item again, and writes them."""

    folder: Path
    plan: StudyPlan
    items: Sequence[Item]
    settings: Sequence[str]
    repairs: Sequence[Mitigation]
    rows: dict[tuple[int, str, str], StudyRow]

    def make(self, one: Chosen) -> Exhibit:
        """The exhibit, written; raises ItemError where its pictures cannot be made as its rows were."""
        item, index = self.items[one.item_index], one.item_index
        clean = as_rgb(decode_source(item.blob.all()))
        settings = [setting for setting in self.settings[1:] if self._scored(index, setting, NONE)]
        decoded = {setting: self._compressed(clean, index, setting) for setting in settings}
        pictures = {(CLEAN, NONE): clean} | {(name, NONE): found.pixels_hwc for name, found in decoded.items()}
        worst = self.settings[-1]
        if worst in decoded:
            pictures |= self._repaired(decoded[worst], index, worst)
        return self._write(one, item, pictures)

    def _compressed(self, clean: UInt8[np.ndarray, "h w 3"], index: int, setting: str) -> Decoded:
        codec = next(codec for codec in self.plan.made_codecs if codec.setting == setting)
        data = codec.encode(clean)
        if len(data) != self.rows[index, setting, NONE].encoded_bytes:
            raise CodecError(f"made again, {setting} has {len(data)} bytes and not those of its row")
        return Decoded(as_rgb(codec.decode(data)), hints_of(data) if self.repairs else None)

    def _repaired(self, decoded: Decoded, index: int, setting: str) -> dict[tuple[str, str], np.ndarray]:
        found = {}
        for mitigation in self.repairs:
            (outcome,) = mitigation.apply([decoded])
            if isinstance(outcome, Decoded) and self._scored(index, setting, mitigation.text):
                found[setting, mitigation.text] = outcome.pixels_hwc
        return found

    def _scored(self, index: int, setting: str, mitigation: str) -> bool:
        row = self.rows.get((index, setting, mitigation))
        return row is not None and row.error_kind is None

    def _write(self, one: Chosen, item: Item, pictures: dict[tuple[str, str], np.ndarray]) -> Exhibit:
        clean, worst = pictures[CLEAN, NONE], list(pictures.values())[-1]
        height, width = clean.shape[:2]
        difference = np.abs(clean.astype(np.float32) - worst).mean(axis=2)
        crop = most_changed(difference, (min(width, MAX_SIDE_PX), min(height, MAX_SIDE_PX)), GRID_PX)
        x, y, wide, high = crop
        self.folder.mkdir(exist_ok=True)
        versions = []
        for number, ((setting, mitigation), image) in enumerate(pictures.items()):
            file = f"exhibit-{one.item_index:06d}-{number:02d}.png"
            to_pil(np.ascontiguousarray(image[y : y + high, x : x + wide])).save(self.folder / file, "PNG")
            row = self.rows.get((one.item_index, setting, mitigation))
            versions.append(Version(setting, mitigation, file, None if row is None else row.encoded_bytes))
        return Exhibit(item.key, one.item_index, (width, height), crop, tuple(versions), one.lost)


def _earlier(run: Path) -> Exhibits:
    try:
        return read_exhibits(run) or Exhibits()
    except UsageError:  # broken or older: they are made again
        return Exhibits()
